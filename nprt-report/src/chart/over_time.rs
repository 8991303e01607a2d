use maud::{Markup, html};
use nprt_compare::report::{Axis, Curve, EventKind, MetricReport, Report, Statistic};

use super::frame::{Drawn, Size};
use super::line::line;
use super::scale::{Scale, bounds, n, roomy};
use super::ticks;
use crate::figure::figure;
use crate::text::text;

/// A figure of both tracks by minute, with the line that the canary may reach.
pub(super) fn draw(report: &Report, metric: &MetricReport, curve: &Curve, size: Size) -> Option<Drawn> {
    let all = [&curve.stable, &curve.canary, &curve.limit];
    let (low, high) = bounds(all.into_iter().flatten().copied().flatten())?;
    let (low, high) = roomy(low, high);
    let scaled = curve.unit.scale(high);
    let ((left, right), (foot, head)) = (size.across(), size.upward());
    let y = Scale::new(low, high, foot, head);
    let x = time_scale(&report.axis, left, right);
    let path = |series: &[Option<f64>]| {
        let points = series.iter().enumerate();
        line(points.map(|(at, figure)| figure.map(|figure| (x.at(middle(&report.axis, at)), y.at(figure)))))
    };
    let mut keys = vec![("stable", "stable"), ("canary", "canary")];
    if !curve.limit.is_empty() {
        keys.push(("limit", "limit"));
    }
    let up = ticks::numbers(low * scaled.factor, high * scaled.factor, 4.0);
    let name = name(metric, curve.statistic);
    Some(Drawn {
        title: if scaled.symbol.is_empty() { name.clone() } else { format!("{name}, {}", scaled.symbol) },
        description: describe(&name, curve),
        keys,
        across: time_marks(&report.axis, &x, size),
        upward: up.into_iter().map(|(tick, label)| (y.at(tick / scaled.factor), label)).collect(),
        plot: html! {
            (events(report, &x, foot, head))
            @if !curve.limit.is_empty() { path class="limit" d=(path(&curve.limit)) {} }
            path class="stable" d=(path(&curve.stable)) {}
            path class="canary" d=(path(&curve.canary)) {}
        },
    })
}

fn name(metric: &MetricReport, statistic: Statistic) -> String {
    match statistic {
        Statistic::Rate => format!("{}: failed of all requests", metric.metric),
        Statistic::Count if metric.unit == nprt_compare::report::Unit::Number => {
            format!("{}: requests a minute", metric.metric)
        }
        statistic => format!("{}: {statistic}", metric.metric),
    }
}

fn describe(name: &str, curve: &Curve) -> String {
    let say = |track: &str, series: &[Option<f64>]| match bounds(series.iter().copied().flatten()) {
        Some((low, high)) => {
            format!("{track} from {} to {}", figure(curve.unit, low), figure(curve.unit, high))
        }
        None => format!("nothing on {track}"),
    };
    let over = curve.canary.iter().zip(&curve.limit);
    let over =
        over.filter(|(canary, limit)| canary.zip(**limit).is_some_and(|(canary, limit)| canary > limit));
    let mut text =
        format!("{name} over time: {}, {}", say("stable", &curve.stable), say("canary", &curve.canary));
    if !curve.limit.is_empty() {
        let judged = curve.canary.iter().flatten().count();
        text += &format!("; the canary is above the limit at {} of {judged} points", over.count());
    }
    text + "."
}

/// Each event a line through the plot, with its number in the list.
fn events(report: &Report, x: &Scale, foot: f64, head: f64) -> Markup {
    let (from, to) = x.range();
    // What was judged, and how often, is no news; a number that would stand on another is left out.
    let mut taken = f64::NEG_INFINITY;
    let mut marks = Vec::new();
    for (at, event) in report.events.iter().enumerate() {
        let minute = event.at.as_second() as f64 / 60.0;
        if event.kind == EventKind::Judged || minute < from - 1.0 || minute > to + 1.0 {
            continue;
        }
        let place = x.at(minute);
        let is_free = place - taken > 14.0;
        if is_free {
            taken = place;
        }
        marks.push((place, is_free.then_some(at + 1), event));
    }
    html! {
        @for (place, number, event) in marks {
            g class="event" {
                title { (event.kind) ": " (text(&event.text)) }
                path d=(format!("M{} {}V{}", n(place), n(foot), n(head))) {}
                @if let Some(number) = number {
                    text x=(n(place)) y=(n(head - 3.0)) { (number) }
                }
            }
        }
    }
}

/// Minutes since 1970, as wide as the axis.
pub(super) fn time_scale(axis: &Axis, left: f64, right: f64) -> Scale {
    Scale::new(axis.first as f64, axis.minute_of(axis.len()) as f64, left, right)
}

/// The middle of a point's minutes.
pub(super) fn middle(axis: &Axis, point: usize) -> f64 {
    axis.minute_of(point) as f64 + 0.5 * f64::from(axis.step)
}

pub(super) fn time_marks(axis: &Axis, x: &Scale, size: Size) -> Vec<(f64, String)> {
    #[expect(clippy::cast_possible_truncation, reason = "few")]
    let most = size.marks(64.0) as i64;
    let ticks = ticks::times(axis.first, axis.minute_of(axis.len()), most);
    ticks.into_iter().map(|(minute, label)| (x.at(minute as f64), label)).collect()
}
