use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use nprt_core::compare::Verdict;
use nprt_core::report::{Report, Version};

use crate::text::text;
use crate::{CONTENT_SECURITY_POLICY, chart, events, metric, table};

const STYLE: &str = include_str!("page.css");

pub(crate) fn page(report: &Report) -> Markup {
    let title = match &report.verdict {
        Some(verdict) => format!("{}: {}", text(&report.service), verdict.decision),
        None => format!("{}: canary", text(&report.service)),
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(CONTENT_SECURITY_POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(chart::COLOURS)) (PreEscaped(STYLE)) (PreEscaped(chart::STYLE)) }
            }
            body {
                (head(report))
                main {
                    @if let Some(verdict) = &report.verdict { (table::rules(verdict)) }
                    (events::list(report))
                    @for one in &report.metrics { (metric::section(report, one)) }
                    @if report.metrics.is_empty() { p { "Nothing was measured that the policy reads." } }
                }
                footer { "Made by nprt. Times are UTC; bands and evidence hold at all looks together." }
            }
        }
    }
}

fn head(report: &Report) -> Markup {
    html! {
        header {
            h1 {
                (text(&report.service)) " "
                @if let Some(verdict) = &report.verdict { (badge(verdict.decision.as_str())) }
            }
            p class="facts" {
                "Canary " (version(&report.canary)) " beside stable " (version(&report.stable))
                ", started " (time(report.started))
                @if let Some(verdict) = &report.verdict { (until(report, verdict)) }
            }
            @if let Some(verdict) = &report.verdict {
                p class={ "reason " (verdict.decision.as_str()) } { span { (text(&verdict.reason)) } }
            } @else {
                p { "Nobody has judged it yet." }
            }
        }
    }
}

fn until(report: &Report, verdict: &Verdict) -> Markup {
    let end = verdict.range.end();
    let minutes = end.duration_since(report.started).as_secs() / 60;
    html! { ", judged " (time(end)) " after " (minutes) " min" }
}

fn version(version: &Version) -> Markup {
    // A revision is told by its first twelve letters, like everywhere.
    let short = |revision: &str| revision.chars().take(12).collect::<String>();
    html! {
        @match (&version.tag, &version.revision) {
            // A tag that we made ends with the revision.
            (Some(tag), Some(revision)) if !tag.contains(&short(revision)) => { b { (text(tag)) } " (" (text(&short(revision))) ")" }
            (Some(tag), _) => b { (text(tag)) },
            (None, Some(revision)) => b { (text(&short(revision))) },
            (None, None) => "of unknown version",
        }
    }
}

/// A verdict in its colour; its word says the same.
pub(crate) fn badge(verdict: &str) -> Markup {
    html! { span class={ "badge " (verdict) } { (verdict) } }
}

/// To the second.
pub(crate) fn time(at: Timestamp) -> Markup {
    let whole = Timestamp::from_second(at.as_second()).unwrap_or(at);
    html! { time datetime=(whole) { (at.strftime("%Y-%m-%d %H:%M:%S")) } }
}
