use std::collections::BTreeMap;

use nprt_core::Result;
use nprt_core::model::MetricName;

use super::gathered::Reading;
use super::line::{Kind, Metric};
use super::pattern::Pattern;
use super::service::Value;
use super::{StatsdMetric, Unit};

/// A statsd metric, and what it does for the metric at that place of `metrics`.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) pattern: Pattern,
    pub(super) metric: u16,
    pub(super) role: Role,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Role {
    Samples(Unit),
    Value,
    Requests,
    Errors,
    Classes,
}

/// The sources of `metrics`.
///
/// # Errors
/// `Invalid` for a wrong name.
pub(super) fn sources(metrics: &BTreeMap<MetricName, StatsdMetric>) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for (index, (name, metric)) in (0..).zip(metrics) {
        for (text, role) in roles(metric) {
            let pattern = Pattern::new(text).map_err(|error| error.with("metric", name))?;
            sources.push(Source { pattern, metric: index, role });
        }
    }
    Ok(sources)
}

fn roles(metric: &StatsdMetric) -> Vec<(&str, Role)> {
    match metric {
        StatsdMetric::Samples { name, unit } => vec![(name, Role::Samples(*unit))],
        StatsdMetric::Value { name } => vec![(name, Role::Value)],
        StatsdMetric::Requests { requests, errors } => {
            vec![(requests, Role::Requests), (errors, Role::Errors)]
        }
        StatsdMetric::Classes { name } => vec![(name, Role::Classes)],
    }
}

/// A gauge's `+3` or `-3` changes it; without a sign, the value sets it.
fn is_change(value: &str) -> bool {
    value.starts_with(['+', '-'])
}

impl Role {
    pub(super) fn is_samples(self) -> bool {
        matches!(self, Self::Samples(_))
    }

    pub(super) fn takes(self, kind: Kind) -> bool {
        match self {
            Self::Samples(_) => matches!(kind, Kind::Timer | Kind::Histogram | Kind::Distribution),
            Self::Value => kind == Kind::Gauge,
            Self::Requests | Self::Errors | Self::Classes => kind == Kind::Counter,
        }
    }

    /// What a value of the line says: itself, and as it was written.
    pub(super) fn value<'a>(self, metric: &Metric<'_>, number: f64, text: &str, class: &'a str) -> Value<'a> {
        let weight = 1.0 / metric.rate;
        let count = number * weight;
        Value::Is(match self {
            // Minus zero is no time.
            Self::Samples(_) if metric.kind == Kind::Timer => {
                Reading::Sample(number / Unit::Milliseconds.per_second() + 0.0, weight)
            }
            Self::Samples(unit) => Reading::Sample(number / unit.per_second() + 0.0, weight),
            Self::Value if is_change(text) => return Value::Changes(number),
            Self::Value => Reading::Gauge(number),
            Self::Requests => Reading::Requests(count),
            Self::Errors => Reading::Errors(count),
            Self::Classes if class.is_empty() => Reading::Class("unclassified", count),
            Self::Classes => Reading::Class(class, count),
        })
    }
}
