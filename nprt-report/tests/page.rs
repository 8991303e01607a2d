//! The page and its charts as text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use std::collections::BTreeMap;

use nprt_compare::report::{Report, Statistic};
use nprt_compare::{Policy, Preset};
use nprt_core::model::{BlockData, Track};
use nprt_report::{CONTENT_SECURITY_POLICY, Chart, Overview, html, overview_html, svg};

mod support;

use support::{EVIL, block, blocks, large, overview, report, started};

#[test]
fn a_small_chart_and_the_text_of_a_page() {
    let report = report("shop", &blocks(12, 1.6, &["CartError"]));
    insta::assert_snapshot!("over_time", svg(&report, &report.metrics[0], Chart::OverTime(0)).unwrap());
    insta::assert_snapshot!("distribution", svg(&report, &report.metrics[0], Chart::Distribution).unwrap());
    insta::assert_snapshot!("effect", svg(&report, &report.metrics[0], Chart::Effect(0)).unwrap());
    insta::assert_snapshot!("evidence", svg(&report, &report.metrics[0], Chart::Evidence(0)).unwrap());
    insta::assert_snapshot!("page", words(&html(&report)));
}

/// A page's text, an element a line, without styles and drawings.
fn words(page: &str) -> String {
    let body = page.split_once("<body>").unwrap().1;
    let mut lines = Vec::new();
    let mut skipped = 0;
    for part in body.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap();
        match tag {
            _ if tag.starts_with("svg") => skipped += 1,
            "/svg" => skipped -= 1,
            _ if skipped == 0 && !text.trim().is_empty() => lines.push(text.trim()),
            _ => {}
        }
    }
    lines.join("\n")
}

#[test]
fn what_comes_from_outside_is_text() {
    let blocks = blocks(12, 1.6, &[EVIL, "b\u{0}\u{202e}d"]);
    let report = report(EVIL, &blocks);
    let page = html(&report);
    assert_eq!(page.matches("<script").count() + page.matches("<img").count(), 0);
    assert!(page.contains("&lt;script&gt;fetch"), "it is shown");
    // Only what is in quotes or between tags holds it: no attribute of ours ends early.
    assert!(!page.contains("\" onload=\""));
    assert!(page.contains("b\u{fffd}\u{fffd}d") && !page.contains('\u{202e}'));
    for chart in [Chart::OverTime(0), Chart::Distribution, Chart::Effect(0), Chart::Evidence(0)] {
        for metric in &report.metrics {
            let drawn = svg(&report, metric, chart).unwrap_or_default();
            assert!(!drawn.contains("<script") && !drawn.contains("<img"), "{drawn}");
        }
    }
}

#[test]
fn the_page_of_all_services_says_what_runs_and_leads_to_the_reports() {
    insta::assert_snapshot!("overview", words(&overview_html(&overview("main-3f2a91c"))));
    let evil = overview_html(&overview(EVIL));
    assert_eq!(evil.matches("<script").count() + evil.matches("<img").count(), 0, "{evil}");
    assert!(evil.contains("&lt;script&gt;fetch") && !evil.contains("\" onload=\""));
    assert!(evil.contains(CONTENT_SECURITY_POLICY));
    let links: Vec<&str> =
        evil.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(links, ["shop/canary"], "what is no path is not linked");
    let none = Overview { at: started(), services: Vec::new() };
    assert!(overview_html(&none).contains("There is no service to show."));
}

#[test]
fn a_page_needs_nothing_else() {
    let page = html(&report("shop", &blocks(12, 1.6, &[])));
    for never in [
        "<script",
        "javascript:",
        "http://",
        "https://",
        "url(",
        "@import",
        "<link",
        "<img",
        "<iframe",
        " on",
    ] {
        let page = page.replace("<desc>", "").to_lowercase();
        let tags: Vec<&str> =
            page.split('<').filter_map(|part| part.split_once('>')).map(|(tag, _)| tag).collect();
        let found = if never == " on" {
            tags.iter().any(|tag| tag.split(' ').any(|word| word.starts_with("on") && word.contains('=')))
        } else {
            page.contains(never)
        };
        assert!(!found, "{never}");
    }
    assert!(page.contains(CONTENT_SECURITY_POLICY));
    let alone = report("shop", &blocks(12, 1.6, &[]));
    let chart = svg(&alone, &alone.metrics[0], Chart::OverTime(0)).unwrap();
    assert!(chart.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""), "{chart}");
    assert_eq!(chart.matches("http").count(), 1);
}

#[test]
fn ten_metrics_of_two_hours_are_a_small_page() {
    let report = large();
    assert_eq!((report.metrics.len(), report.axis.points), (10, 120));
    let page = html(&report);
    assert_eq!(page.matches("<svg").count(), 70, "of each metric one wide chart and six small ones");
    assert!(page.len() < 300_000, "{} bytes", page.len());
}

#[test]
fn nothing_and_little_make_a_page_too() {
    let policy = Policy::preset(Preset::Default);
    let empty = Report::builder("shop", &policy, started()).build();
    assert!(html(&empty).contains("No verdict on it is known."));
    let strange = [
        block(0, Track::Stable, "latency", BlockData::Samples(vec![0.0; 5])),
        block(1, Track::Canary, "latency", BlockData::Samples(vec![f64::MAX, f64::MIN_POSITIVE, f64::NAN])),
        block(1, Track::Canary, "latency", BlockData::Samples(vec![f64::MAX, f64::MIN_POSITIVE])),
        block(2, Track::Canary, "cpu", BlockData::Value(f64::MAX)),
        block(2, Track::Stable, "cpu", BlockData::Value(0.0)),
        block(2, Track::Stable, "requests", BlockData::Requests { requests: u64::MAX, errors: 0 }),
        block(2, Track::Stable, "errors", BlockData::Classes(BTreeMap::new())),
        block(3, Track::Stable, "restarts", BlockData::Value(1e308)),
    ];
    for count in 0..=strange.len() {
        let report = Report::builder("shop", &policy, started()).blocks(&strange[..count]);
        let report = report.judge_by_minute([]).unwrap().build();
        let page = html(&report);
        assert!(!page.contains("NaN") && !page.contains("\"inf") && page.ends_with("</html>"), "{page}");
    }
}

#[test]
fn a_report_from_elsewhere_cannot_break_the_page() {
    let mut report = report("shop", &blocks(12, 1.6, &["CartError"]));
    // Series of other lengths than the axis, rules that are not there, figures that nobody can draw.
    report.axis.step = 0;
    report.axis.first = i64::MAX;
    for metric in &mut report.metrics {
        metric.rules.push(99);
        metric.effects.iter_mut().for_each(|effect| effect.rule = 99);
        for curve in &mut metric.curves {
            curve.limit.truncate(1);
            curve.canary[0] = Some(f64::NAN);
            curve.stable[1] = Some(f64::INFINITY);
            curve.statistic = Statistic::Rate;
        }
        if let Some(distribution) = &mut metric.distribution {
            distribution.edges.truncate(3);
        }
    }
    assert!(html(&report).ends_with("</html>"));
}

/// Text is told from paper by at least 4.5 to 1 (WCAG 2.2, AA), light, dark and on paper.
#[test]
fn colours_are_far_enough_apart() {
    let sheet = include_str!("../src/colours.css");
    let schemes: Vec<BTreeMap<&str, f64>> =
        sheet.lines().filter(|line| line.contains("--paper")).map(colours).collect();
    assert_eq!(schemes.len(), 3);
    for scheme in &schemes {
        for ink in ["ink", "muted", "stable", "canary", "limit", "worse", "good", "open"] {
            for ground in ["paper", "soft"] {
                let (a, b) = (scheme[ink], scheme[ground]);
                let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                assert!(contrast >= 4.5, "{ink} on {ground}: {contrast:.2}");
            }
        }
    }
    assert_eq!(schemes[0], schemes[2], "paper is light");
}

/// The relative luminance of each colour.
fn colours(line: &str) -> BTreeMap<&str, f64> {
    let parts = line.split("--").skip(1).filter_map(|part| part.split_once(":#"));
    let luminance = |hex: &str| {
        let part = |at: usize| {
            let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4)
    };
    parts.map(|(name, hex)| (name, luminance(&hex[..6]))).collect()
}
