use std::fmt;

use serde::Serialize;

use crate::model::{MetricName, TimeRange};

/// What the comparison of canary and stable says, with the figures it rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// Pass, regression or not yet known.
    pub decision: Decision,
    /// One sentence that a person understands: which metric decided and by which figures.
    pub reason: String,
    /// Every rule of the policy, in its order.
    pub metrics: Vec<MetricVerdict>,
    /// The time that was judged.
    #[serde(serialize_with = "range")]
    pub range: TimeRange,
}

/// What to do with the canary.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Needed {
    /// Samples on the stable track.
    pub stable_samples: u64,
    /// Samples on the canary track.
    pub canary_samples: u64,
    /// Minutes at the present traffic, where there is any.
    pub minutes: Option<u64>,
}

/// How one rule was judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricVerdict {
    /// The metric.
    pub metric: MetricName,
    /// What was compared, such as `p95 over 120 min` or `new error classes`.
    pub statistic: String,
    /// This rule's own decision.
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
}

fn range<S: serde::Serializer>(range: &TimeRange, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq([range.start(), range.end()])
}
