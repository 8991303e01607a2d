use std::collections::BTreeMap;

use nprt_core::{Error, Result};

use super::{OtlpConfig, OtlpMetric};
use crate::statsd::Aggregator;
use crate::{MetricUnit, RequestOutcome};

/// What an instrument does for a metric of the aggregator.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub(super) metric: u16,
    pub(super) role: Role,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Role {
    Samples(Option<MetricUnit>),
    Requests,
    Classes,
    Value(Option<MetricUnit>),
}

/// By instrument.
pub(super) type Sources = BTreeMap<String, Vec<Source>>;

/// # Errors
/// `Invalid` where the aggregator has not such a metric.
pub(super) fn sources(config: &OtlpConfig, aggregator: &Aggregator) -> Result<Sources> {
    config.check()?;
    let mut sources = Sources::new();
    for (name, metric) in &config.metrics {
        let role = match metric {
            OtlpMetric::Samples { unit, .. } => Role::Samples(*unit),
            OtlpMetric::Requests { .. } => Role::Requests,
            OtlpMetric::Classes { .. } => Role::Classes,
            OtlpMetric::Value { unit, .. } => Role::Value(*unit),
        };
        let number = aggregator.number_of(name).filter(|(_, shape)| *shape == metric.shape());
        let (number, _) = number.ok_or_else(|| {
            let message =
                "the aggregator has no such metric of this shape: it was made of another configuration";
            Error::invalid("otlp.config", message).with("metric", name)
        })?;
        sources.entry(metric.name().to_owned()).or_default().push(Source { metric: number, role });
    }
    Ok(sources)
}

impl Role {
    /// Whether requests that ended like that are part of the metric; where nobody knows, they may be.
    pub(super) fn is_of(self, outcome: Option<RequestOutcome>) -> bool {
        match self {
            Self::Samples(_) => outcome != Some(RequestOutcome::Failure),
            Self::Classes => outcome != Some(RequestOutcome::Success),
            Self::Requests | Self::Value(_) => true,
        }
    }
}
