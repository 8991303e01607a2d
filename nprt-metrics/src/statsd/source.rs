use std::collections::BTreeMap;

use nprt_core::Result;
use nprt_core::model::MetricName;

use super::gathered::Reading;
use super::line::{Kind, Metric};
use super::pattern::{Pattern, Place};
use super::{StatsdMetric, Unit};

/// A statsd metric, and what it does for the metric at that place of `metrics`.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) pattern: Pattern,
    pub(super) metric: usize,
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
    for (index, (name, metric)) in metrics.iter().enumerate() {
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
pub(super) fn is_change(value: &str) -> bool {
    value.starts_with(['+', '-'])
}

impl Role {
    pub(super) fn is_samples(self) -> bool {
        matches!(self, Self::Samples(_))
    }

    pub(super) fn is_value(self) -> bool {
        matches!(self, Self::Value)
    }

    pub(super) fn takes(self, kind: Kind) -> bool {
        match self {
            Self::Samples(_) => matches!(kind, Kind::Timer | Kind::Histogram | Kind::Distribution),
            Self::Value => kind == Kind::Gauge,
            Self::Requests | Self::Errors | Self::Classes => kind == Kind::Counter,
        }
    }

    pub(super) fn reading<'a>(
        self,
        metric: &Metric<'_>,
        text: &str,
        number: f64,
        place: &Place<'a>,
        before: Option<f64>,
    ) -> Reading<'a> {
        let count = number / metric.rate;
        match self {
            Self::Samples(_) if metric.kind == Kind::Timer => {
                Reading::Sample(number / Unit::Milliseconds.per_second())
            }
            Self::Samples(unit) => Reading::Sample(number / unit.per_second()),
            Self::Value if is_change(text) => Reading::Change(number, before),
            Self::Value => Reading::Gauge(number),
            Self::Requests => Reading::Requests(count),
            Self::Errors => Reading::Errors(count),
            Self::Classes if place.class.is_empty() => Reading::Class("unclassified", count),
            Self::Classes => Reading::Class(place.class, count),
        }
    }
}
