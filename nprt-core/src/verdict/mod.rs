//! What the comparison of canary and stable says, as data: made by the comparator, carried by notifications and reports.

mod evidence;
mod left_out;
mod percentile;
mod row;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::{MetricName, TimeRange, Unit};

pub use evidence::{
    Banded, Counted, Effect, Evidence, MarginUsed, PassEvidence, QuantileFigures, TestEvidence, percent,
};
pub use left_out::MetricLeftOut;
pub use percentile::Percentile;
pub use row::VerdictRow;

/// The JSON schema (draft 2020-12) of a [`Verdict`].
pub const VERDICT_SCHEMA: &str = include_str!("verdict.schema.json");

/// What the comparison of canary and stable says, with the figures it rests on; [`VERDICT_SCHEMA`] is its schema.
///
/// As JSON:
///
/// ```json
/// {
///   "verdict": "inconclusive",
///   "needed": {"stable_samples": 0, "canary_samples": 280, "minutes": 7},
///   "reason": "latency p95: too few samples, 600 of 400 on stable and 120 of 400 on the canary in 3 min",
///   "metrics": [
///     {
///       "metric": "latency",
///       "statistic": "p95 over 3 min",
///       "verdict": "inconclusive",
///       "needed": {"stable_samples": 0, "canary_samples": 280, "minutes": 7},
///       "stable": 0.1, "canary": 0.105, "limit": 0.11,
///       "stable_samples": 600, "canary_samples": 120,
///       "reason": "latency p95: too few samples, 600 of 400 on stable and 120 of 400 on the canary in 3 min"
///     }
///   ],
///   "range": ["2026-11-23T12:00:00Z", "2026-11-23T12:03:00Z"]
/// }
/// ```
///
/// `needed` is there only when inconclusive; figures are in the metric's unit (seconds, cores, bytes), or
/// `null`. A client reads it back into the same value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Pass, regression or not yet known.
    #[serde(flatten)]
    pub decision: Decision,
    /// One sentence that a person understands: which metric decided and by which figures.
    pub reason: String,
    /// Every rule of the policy, in its order.
    pub metrics: Vec<MetricVerdict>,
    /// The time that was judged.
    #[serde(serialize_with = "write_range", deserialize_with = "read_range")]
    pub range: TimeRange,
    /// What could not be used, by metric and reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<MetricLeftOut>,
}

/// What to do with the canary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Decision {
    /// Every rule that a pass waits for was passed, on enough data.
    Pass,
    /// At least one rule was broken.
    Regression,
    /// Neither; never a reason to promote.
    Inconclusive {
        /// What is missing.
        needed: Needed,
    },
}

impl Decision {
    /// `pass`, `regression` or `inconclusive`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Regression => "regression",
            Self::Inconclusive { .. } => "inconclusive",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an inconclusive verdict still needs, each the largest over all rules; 0 where nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Needed {
    /// Samples on the stable track.
    pub stable_samples: u64,
    /// Samples on the canary track.
    pub canary_samples: u64,
    /// Minutes at the present traffic; `None` where there is none, or where waiting alone does not help.
    pub minutes: Option<u64>,
}

impl Needed {
    /// What both need together.
    pub fn max(self, other: Self) -> Self {
        Self {
            stable_samples: self.stable_samples.max(other.stable_samples),
            canary_samples: self.canary_samples.max(other.canary_samples),
            minutes: self.minutes.zip(other.minutes).map(|(a, b)| a.max(b)),
        }
    }
}

/// How one rule was judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricVerdict {
    /// The metric.
    pub metric: MetricName,
    /// What was compared, such as `p95 over 120 min` or `new classes over 120 min`.
    pub statistic: String,
    /// This rule's own decision.
    #[serde(flatten)]
    pub decision: Decision,
    /// The statistic on stable, in the metric's unit; `None` without data.
    pub stable: Option<f64>,
    /// The statistic on the canary.
    pub canary: Option<f64>,
    /// What the canary may reach: stable plus the margin.
    pub limit: Option<f64>,
    /// Samples on stable.
    pub stable_samples: u64,
    /// Samples on the canary.
    pub canary_samples: u64,
    /// The reason in a sentence, with the figures.
    pub reason: String,
    /// What a sequential rule rests on; `None` of a plain one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

impl MetricVerdict {
    /// What its figures are in: the metric's unit, or a share where requests or growth are compared.
    #[must_use]
    pub fn unit(&self) -> Unit {
        match self.evidence.as_ref().map(|evidence| evidence.data.as_str()) {
            Some("requests" | "growth") => Unit::Share,
            Some("events") => Unit::Number,
            _ => Unit::of(&self.metric),
        }
    }
}

fn write_range<S: Serializer>(range: &TimeRange, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq([range.start(), range.end()])
}

fn read_range<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeRange, D::Error> {
    let [start, end] = <[jiff::Timestamp; 2]>::deserialize(deserializer)?;
    TimeRange::new(start, end).map_err(serde::de::Error::custom)
}
