//! Sentences that say why.

use nprt_core::model::significant;

use super::config::{Direction, Measure, MetricConfig, NanStrategy};
use super::prepare::SeriesFigures;
use super::result::{Classification, MetricResult};
use crate::statistics::mann_whitney::Finding;

/// The metric's name, and which of its series.
pub(super) fn title(result: &MetricResult) -> String {
    if result.tags.is_empty() {
        result.name.clone()
    } else {
        format!("{} ({})", result.name, result.tags.join(", "))
    }
}

pub(super) fn compared(result: &MetricResult, metric: &MetricConfig, finding: Finding, alpha: f64) -> String {
    let (word, p) = match finding {
        Finding::Greater => ("higher on the canary", result.p_higher),
        Finding::Less => ("lower on the canary", result.p_lower),
        Finding::NotShown | Finding::TooFew => {
            let p = result.p_higher.zip(result.p_lower).map(|(higher, lower)| higher.min(lower));
            ("no difference shown", p)
        }
    };
    let by = match (finding, result.shift) {
        (Finding::Greater | Finding::Less, Some(shift)) => format!(" by {}", number(shift.abs())),
        _ => String::new(),
    };
    let verdict = verdict(result, metric, finding);
    let interval = result.interval.map_or_else(String::new, |[low, high]| {
        format!(
            ", {} % interval of the shift {} to {}",
            number(100.0 * (1.0 - 2.0 * alpha)),
            number(low),
            number(high)
        )
    });
    let p = p.map_or_else(String::new, |p| format!(", p = {}", short(p)));
    format!(
        "{word}{by}{verdict}; mean {} on stable and {} on the canary, median {} and {}{interval}{p}, \
         {} and {}",
        figure(result.stable.mean),
        figure(result.canary.mean),
        figure(result.stable.median),
        figure(result.canary.median),
        count(&result.stable, metric),
        count(&result.canary, metric),
    )
}

/// How many values, and what they are not.
fn count(figures: &SeriesFigures, metric: &MetricConfig) -> String {
    let replaced = metric.analysis().nan_strategy == NanStrategy::Replace;
    let missing = match (figures.missing, replaced) {
        (0, _) => String::new(),
        (missing, true) => format!("{missing} of them missing and taken as 0"),
        (missing, false) => format!("{missing} more missing"),
    };
    let outliers = match figures.outliers {
        0 => String::new(),
        outliers => format!("{outliers} more left out as outliers"),
    };
    let notes: Vec<_> = [missing, outliers].into_iter().filter(|note| !note.is_empty()).collect();
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    format!("{} values{notes}", figures.values)
}

/// What follows from a difference.
fn verdict(result: &MetricResult, metric: &MetricConfig, finding: Finding) -> String {
    let (size, allowing, asked) = match finding {
        Finding::Greater => (metric.analysis().effect_size.allowed_increase, Direction::Decrease, "decrease"),
        Finding::Less => (metric.analysis().effect_size.allowed_decrease, Direction::Increase, "increase"),
        Finding::NotShown | Finding::TooFew => return String::new(),
    };
    match (result.classification, result.effect, size) {
        (Classification::Pass, ..) if result.direction == allowing => {
            format!(", which only fails as {asked}")
        }
        (Classification::Pass, Some(effect), Some(size)) => {
            format!(", but a {} of {} is allowed to {}", measure(result), number(effect), number(size))
        }
        (_, Some(effect), Some(size)) => {
            format!(", a {} of {} where {} fails", measure(result), number(effect), number(size))
        }
        _ => String::new(),
    }
}

pub(super) fn too_few(result: &MetricResult, alpha: f64) -> String {
    let least = result.needed.map_or(0, |needed| {
        (result.stable.values as u64 + needed.stable).max(result.canary.values as u64 + needed.canary)
    });
    format!(
        "{} values on stable and {} on the canary can show nothing at {} % confidence, {least} on each can",
        result.stable.values,
        result.canary.values,
        number(100.0 * (1.0 - 2.0 * alpha)),
    )
}

pub(super) fn missing(result: &MetricResult, is_there: bool, replaced: bool) -> String {
    let fails = if result.classification == Classification::NodataFailMetric {
        ", and it must have some"
    } else {
        ""
    };
    let track = |name: &str, figures: &SeriesFigures| match (figures.values, figures.steps) {
        (0, 0) => Some(format!("no data on {name}")),
        (0, steps) => Some(format!("no data on {name} in {steps} steps")),
        _ => None,
    };
    let tracks = [track("stable", &result.stable), track("the canary", &result.canary)];
    let what = if is_there {
        tracks.into_iter().flatten().collect::<Vec<_>>().join(" and ")
    } else {
        "no series".to_owned()
    };
    let zeros = if replaced { " (without a step there is nothing to take as zero)" } else { "" };
    format!("{what}{fails}{zeros}")
}

fn measure(result: &MetricResult) -> &'static str {
    match result.measure {
        Measure::MeanRatio => "ratio of means",
        Measure::Cles => "probability of a larger value",
    }
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "none".to_owned(), number)
}

/// Four significant digits.
pub(super) fn number(value: f64) -> String {
    significant(value, 4)
}

fn short(p: f64) -> String {
    significant(p, 2)
}
