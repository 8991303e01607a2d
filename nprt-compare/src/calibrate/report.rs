use nprt_core::model::MetricName;
use serde::Serialize;
use statrs::distribution::{Beta, ContinuousCDF};

use crate::{Percentile, Policy};

/// What a policy is worth on a history.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Of the same version compared with itself.
    pub false_alarms: AlarmShare,
    /// What their share may be: the policy's α.
    pub target: f64,
    /// Whether the upper bound keeps to it. If not, there are too many, or too few runs to tell.
    pub shown: bool,
    /// How soon each of the [`EFFECTS`](super::EFFECTS) is found.
    pub detections: Vec<Detection>,
    /// The highest percentile that the canary has samples for; see
    /// [`highest_percentile`](crate::sizing::highest_percentile). `None` without samples.
    pub highest_percentile: Option<Percentile>,
    /// In so many minutes ten of the canary's samples lie beyond the policy's first percentile.
    pub block_minutes: Option<u64>,
    /// What each metric's noise is.
    pub noise: Vec<MetricNoise>,
    /// The policy, or the same with wider margins, that is shown to keep to the target; `None` where none is.
    pub proposed: Option<Policy>,
}

/// A share of runs, with what is known of the true one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AlarmShare {
    /// Runs.
    pub runs: usize,
    /// False alarms among them.
    pub alarms: usize,
    /// The true share is at most this, with 95 % (Clopper and Pearson, one-sided).
    pub upper: f64,
}

impl AlarmShare {
    pub(super) fn new(runs: usize, alarms: usize) -> Self {
        let beta = Beta::new(alarms as f64 + 1.0, runs.saturating_sub(alarms) as f64);
        Self { runs, alarms, upper: beta.map_or(1.0, |beta| beta.inverse_cdf(0.95)) }
    }
}

/// How soon an effect is found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Detection {
    /// How much larger the canary's measurements are: 0.25 is 25 %.
    pub effect: f64,
    /// The share of runs in which it was found before the window ended.
    pub share: f64,
    /// The median minute in these; `None` where it never was.
    pub minutes: Option<u64>,
}

/// How much a metric varies where nothing changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricNoise {
    /// The metric.
    pub metric: MetricName,
    /// φ: how much more figures vary from minute to minute than independent samples.
    pub overdispersion: f64,
    /// τ: how much pods differ for good, the standard deviation of the logarithm.
    pub between_pods: f64,
}
