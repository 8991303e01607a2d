use nprt_core::model::MetricName;
use serde::{Deserialize, Serialize};

use crate::{Margin, Percentile};

/// The percentile of a metric on the canary is at most that on stable plus a margin. The metric's blocks
/// are samples, histograms or values; of values (a gauge for each pod and minute) each counts as one sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PercentileRule {
    /// The metric.
    pub metric: MetricName,
    /// The percentile.
    pub percentile: Percentile,
    /// How far the canary may lie above stable.
    pub margin: Margin,
    /// How many samples (of a gauge: pod-minutes) each track must have in the window; by default
    /// [`Percentile::least_samples`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_samples: Option<u64>,
}

/// No error on the canary where stable had none, and else of no class that stable never had.
///
/// A regression when the canary has an error that stable never had and enough requests of stable are known
/// to say "never"; a pass when it has none and both tracks had enough requests. Where stable has errors and
/// some of the canary's are counted without a class (more failed requests in a minute than its classes add
/// up to), nobody can tell whether those are new: inconclusive. Of a block with `k` classes, `k / 2` errors
/// count as lost to rounding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ErrorsRule {
    /// The metric that counts failures by class, by default `errors`.
    pub metric: MetricName,
    /// The metric that counts requests and how many of them failed, by default `requests`.
    pub requests: MetricName,
    /// How many requests each track must have had in the window for a pass, and stable in its past and
    /// beside the canary for the claim that it never had an error. By default 100.
    pub min_requests: u64,
}

impl PercentileRule {
    pub(crate) fn min_samples(&self) -> u64 {
        self.min_samples.unwrap_or_else(|| self.percentile.least_samples())
    }
}

impl Default for ErrorsRule {
    fn default() -> Self {
        Self { metric: MetricName::errors(), requests: MetricName::requests(), min_requests: 100 }
    }
}
