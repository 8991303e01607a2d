use serde::{Deserialize, Serialize};

use crate::model::MetricName;
use crate::ports::LeftOutReason;

/// What of a metric's measurements could not be used in a run, for one reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricLeftOut {
    /// The metric.
    pub metric: MetricName,
    /// Why.
    pub reason: LeftOutReason,
    /// How many points.
    pub points: u64,
    /// In how many minutes.
    pub minutes: u64,
    /// Minutes of the run so far.
    pub of_minutes: u64,
    /// The share of the metric's points that is left out for all reasons together, of the track that has more of it: 0
    /// to 1. `max_left_out` of the policy bounds it.
    pub share: f64,
}
