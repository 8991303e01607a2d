use std::fmt;

use serde::{Deserialize, Serialize};

use super::config::{Direction, Measure, ScoreThresholds};
use super::prepare::SeriesFigures;
use crate::Decision;

/// What Kayenta's scheme makes of a canary, from our test. Its JSON has every figure that it rests on; what
/// is not known is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// What to do: [`Overall::Fail`] is a regression, [`Overall::Pass`] a pass, anything else inconclusive.
    #[serde(flatten)]
    pub decision: Decision,
    /// Kayenta's word for it.
    pub classification: Overall,
    /// The weighted sum of the groups' scores, 0 to 100 with two decimals; 0 after a critical failure, the
    /// best that is still possible where that fails already, and `None` where undecided metrics leave it
    /// open.
    pub score: Option<f64>,
    /// What it was held against.
    pub thresholds: ScoreThresholds,
    /// The confidence of each metric's test.
    pub confidence_level: f64,
    /// One sentence: what decided.
    pub reason: String,
    /// The groups in which metrics count, by name.
    pub groups: Vec<GroupScore>,
    /// Every metric of the config, in its order, split as its series are.
    pub metrics: Vec<MetricResult>,
}

/// What becomes of the canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Overall {
    /// The score reaches the threshold to pass.
    Pass,
    /// The score lies between the thresholds.
    Marginal,
    /// The score lies below both, or a critical metric failed.
    Fail,
    /// Metrics without a verdict leave it open; Kayenta has no word for it and passes or fails such.
    Undecided,
}

/// What becomes of one metric, in Kayenta's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Classification {
    /// No change that fails is shown.
    Pass,
    /// The canary is higher, and that fails.
    High,
    /// The canary is lower, and that fails.
    Low,
    /// No data, or too few for any verdict: undecided.
    Nodata,
    /// No data, and the config says that this fails.
    NodataFailMetric,
    /// The series cannot be compared: undecided.
    Error,
}

impl Classification {
    /// Whether it says nothing about the canary.
    #[must_use]
    pub fn is_undecided(self) -> bool {
        matches!(self, Self::Nodata | Self::Error)
    }
}

impl fmt::Display for Classification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A group's score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupScore {
    /// Its name.
    pub name: String,
    /// Its share of the total, of 100 over all groups that count.
    pub weight: f64,
    /// The share of its decided metrics that passed, 0 to 100; `None` where none is decided.
    pub score: Option<f64>,
    /// Metrics that passed.
    pub passed: usize,
    /// Metrics that failed.
    pub failed: usize,
    /// Metrics without a verdict.
    pub undecided: usize,
}

/// How one pair of series was judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricResult {
    /// The metric's name.
    pub name: String,
    /// The pair's id, where it has one.
    pub id: Option<String>,
    /// What the series were split by, `key=value`.
    pub tags: Vec<String>,
    /// Where it counts.
    pub groups: Vec<String>,
    /// What became of it.
    pub classification: Classification,
    /// Whether it fails the canary by itself.
    pub critical_failure: bool,
    /// Whether it counts nowhere.
    pub muted: bool,
    /// Which change fails.
    pub direction: Direction,
    /// Stable's series.
    pub stable: SeriesFigures,
    /// The canary's series.
    pub canary: SeriesFigures,
    /// Hodges and Lehmann's estimate of canary − stable.
    pub shift: Option<f64>,
    /// The interval of that shift at the confidence of the test.
    pub interval: Option<[f64; 2]>,
    /// The probability of a canary as high, or higher, without a difference.
    pub p_higher: Option<f64>,
    /// The probability of a canary as low, or lower, without a difference.
    pub p_lower: Option<f64>,
    /// Whether the probabilities are exact; else they are normal approximations.
    pub exact: Option<bool>,
    /// What the effect is measured by.
    pub measure: Measure,
    /// The effect, where it is defined.
    pub effect: Option<f64>,
    /// Further values that a verdict needs, where too few are why there is none.
    pub needed: Option<NeededValues>,
    /// One sentence with the figures.
    pub reason: String,
}

/// Further values that a verdict needs, at the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeededValues {
    /// On stable.
    pub stable: u64,
    /// On the canary.
    pub canary: u64,
    /// Minutes until then, where the step from one value to the next is known.
    pub minutes: Option<u64>,
}
