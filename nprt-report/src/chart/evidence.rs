use maud::html;
use nprt_compare::report::{EffectCurve, EffectPoint, MetricReport, Report};

use super::frame::{Drawn, Size};
use super::line::{area, line};
use super::over_time::{middle, time_marks, time_scale};
use super::scale::{Scale, bounds, n};
use super::ticks;
use crate::figure::{change, percent};

/// How much higher the canary is, with its band, look by look, beside the margins.
pub(super) fn effect(
    report: &Report,
    metric: &MetricReport,
    curve: &EffectCurve,
    size: Size,
) -> Option<Drawn> {
    let points = || curve.points.iter().flatten();
    let last = points().rev().find(|point| point.estimate.is_some())?;
    let margin = report.verdict.as_ref().and_then(|verdict| verdict.metrics.get(curve.rule));
    let margin = margin.and_then(|rule| rule.evidence.as_ref()?.margin);
    let margins = margin.map(|margin| [margin.regression, margin.pass]);
    let (low, high) = range(curve, last, margins);
    let ((left, right), (foot, head)) = (size.across(), size.upward());
    let (x, y) = (time_scale(&report.axis, left, right), Scale::new(low, high, foot, head));
    let place = |at: usize| x.at(middle(&report.axis, at));
    let indexed = || curve.points.iter().enumerate();
    let estimate = line(indexed().map(|(at, point)| Some((place(at), y.at((*point)?.estimate?)))));
    let band = |(at, point): (usize, &Option<EffectPoint>)| {
        let point = (*point)?;
        Some((place(at), y.at(point.low?), y.at(point.high?)))
    };
    let band: Vec<_> = indexed().map(band).collect();
    let level = |share: f64| format!("M{} {}H{}", n(left), n(y.at(share)), n(right));
    let mut keys = vec![("canary", "estimate")];
    if band.iter().any(Option::is_some) {
        keys.push(("band", "95 %"));
    }
    if margins.is_some() {
        keys.extend([("limit", "margin"), ("pass", "to pass")]);
    }
    let upward = ticks::numbers(100.0 * low, 100.0 * high, 4.0);
    Some(Drawn {
        title: "How much higher the canary is, %".to_owned(),
        description: describe(metric, last, margins),
        keys,
        across: time_marks(&report.axis, &x, size),
        upward: upward.into_iter().map(|(tick, label)| (y.at(tick / 100.0), label)).collect(),
        plot: html! {
            path class="band" d=(area(&band)) {}
            path class="axis" d=(level(0.0)) {}
            @if let Some([regression, pass]) = margins {
                path class="limit" d=(level(regression)) {}
                path class="pass" d=(level(pass)) {}
            }
            path class="canary" d=(estimate) {}
        },
    })
}

/// Wide enough for the margins and for the later half of the looks; what the first ones do not know goes beyond.
fn range(curve: &EffectCurve, last: &EffectPoint, margins: Option<[f64; 2]>) -> (f64, f64) {
    let later = curve.points.iter().skip(curve.points.len() / 2).flatten();
    let ends = later.chain([last]).flat_map(|point| [point.low, point.estimate, point.high]).flatten();
    let shown = ends.chain(margins.into_iter().flatten()).chain([0.0]);
    let (low, high) = bounds(shown).unwrap_or((0.0, 0.0));
    let room = 0.08 * (high - low).max(1e-3);
    (low - room, high + room)
}

fn describe(metric: &MetricReport, last: &EffectPoint, margins: Option<[f64; 2]>) -> String {
    let estimate = last.estimate.map(change).unwrap_or_default();
    let mut text = format!("How much higher {} is on the canary: {estimate} at the last look", metric.metric);
    if let Some((low, high)) = last.low.zip(last.high) {
        text += &format!(", between {} and {} with 95 %", change(low), change(high));
    }
    if let Some([regression, pass]) = margins {
        text += &format!("; the margin is {}, that of a pass {}", change(regression), change(pass));
    }
    text + "."
}

/// The evidence of a regression and of a pass, each as a share of what decides.
pub(super) fn evidence(
    report: &Report,
    metric: &MetricReport,
    curve: &EffectCurve,
    size: Size,
) -> Option<Drawn> {
    let last = curve.points.iter().flatten().next_back()?;
    let ((left, right), (foot, head)) = (size.across(), size.upward());
    let (x, y) = (time_scale(&report.axis, left, right), Scale::new(0.0, 1.3, foot, head));
    let path = |of: fn(&EffectPoint) -> Option<f64>| {
        let points = curve.points.iter().enumerate();
        line(points.map(|(at, point)| {
            let share = of(point.as_ref()?)?;
            Some((x.at(middle(&report.axis, at)), y.at(share)))
        }))
    };
    let (regression, pass) = (path(|point| Some(point.regression)), path(|point| point.pass));
    let mut keys = vec![("worse", "of a regression")];
    if !pass.is_empty() {
        keys.push(("good", "of a pass"));
    }
    let share = |share: f64| percent(share.clamp(0.0, 9.99));
    let mut description = format!(
        "Evidence on {}: at the last look {} of what a regression takes",
        metric.metric,
        share(last.regression)
    );
    if let Some(pass) = last.pass {
        description += &format!(" and {} of what a pass takes", share(pass));
    }
    let upward = [0.0, 0.5, 1.0].map(|share| (y.at(share), format!("{}", 100.0 * share)));
    Some(Drawn {
        title: "Evidence, % of what decides".to_owned(),
        description: description + ".",
        keys,
        across: time_marks(&report.axis, &x, size),
        upward: upward.to_vec(),
        plot: html! {
            path class="limit" d=(format!("M{} {}H{}", n(left), n(y.at(1.0)), n(right))) {}
            @if !pass.is_empty() { path class="good" d=(pass) {} }
            path class="worse" d=(regression) {}
        },
    })
}
