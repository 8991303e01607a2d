use std::fmt;

use serde::{Deserialize, Serialize};

use super::Percentile;
use crate::model::significant;

/// What a sequential rule's verdict rests on. Evidence is given as ln E: 0 is none, below 0 it speaks for the
/// other side, and it decides at the threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What the tests were chosen by: `samples`, `values`, `requests`, `events` or `growth`; `none` while there
    /// is nothing.
    pub data: String,
    /// ln E of a regression, of the rule's tests together.
    pub ln_e: f64,
    /// The rule's share of the error level beside the other rules.
    pub share: f64,
    /// ln E from which on the rule decides alone.
    pub threshold: f64,
    /// Its tests; the weights of their average sum to 1.
    pub tests: Vec<TestEvidence>,
    /// What a pass waits for; `None` where it does not wait for this rule.
    pub pass: Option<PassEvidence>,
    /// How much higher the canary is.
    pub effect: Option<Effect>,
    /// The margins that it was compared by, and where they come from.
    pub margin: Option<MarginUsed>,
    /// The quantiles of both tracks since the canary started, of samples.
    pub quantiles: Vec<QuantileFigures>,
    /// Which minutes and blocks count, and why others do not.
    pub counted: Counted,
}

/// One test's evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestEvidence {
    /// Its name, such as `rank`.
    pub test: String,
    /// Its weight.
    pub weight: f64,
    /// ln E.
    pub ln_e: f64,
}

/// The evidence that the canary is not worse by the pass margin, of the gate that has the least.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PassEvidence {
    /// Such as `p95`.
    pub gate: String,
    /// ln E.
    pub ln_e: f64,
    /// ln E from which on it passes.
    pub threshold: f64,
}

/// How much higher the canary is, as a share of stable: 0.1 is 10 %. Of growth it is a share an hour, of counts
/// the rate of the canary over that of stable, less 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// The estimate.
    pub estimate: f64,
    /// Where it lies with 95 %, at all looks together (asymptotically); `None` where nothing says it.
    pub low: Option<f64>,
    /// See `low`.
    pub high: Option<f64>,
}

/// `+12.5 % (+3.1 % to +22 %)`
impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&percent(self.estimate))?;
        match self.low.zip(self.high) {
            Some((low, high)) => write!(f, " ({} to {})", percent(low), percent(high)),
            None => Ok(()),
        }
    }
}

/// `+12.5 %`; what is too small to show is 0.
#[must_use]
pub fn percent(share: f64) -> String {
    let share = if share.abs() < 1e-6 { 0.0 } else { share };
    format!("{}{} %", if share < 0.0 { "" } else { "+" }, significant(100.0 * share, 3))
}

/// The margins of the last minute, at the figure of stable.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MarginUsed {
    /// How much higher the canary may be, as a share of stable.
    pub regression: f64,
    /// How much higher it must not be to pass, as a share of stable.
    pub pass: f64,
    /// τ: how much stable's pods differ for good, the standard deviation of the logarithm.
    pub between_pods: f64,
    /// By how many pods that is known; 0 where it is a guess.
    pub pods_known: u64,
    /// φ: how much more figures vary from minute to minute than independent samples.
    pub overdispersion: f64,
}

/// A quantile of both tracks, in the metric's unit, each with a band that holds at all looks together with 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct QuantileFigures {
    /// Which one.
    pub percentile: Percentile,
    /// Of stable.
    pub stable: Option<Banded>,
    /// Of the canary.
    pub canary: Option<Banded>,
}

/// A figure and its band; a bound that the samples do not give is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Banded {
    /// The figure.
    pub at: f64,
    /// It lies at or above this.
    pub low: Option<f64>,
    /// And at or below this.
    pub high: Option<f64>,
}

/// What counts in the evidence, and what does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counted {
    /// Minutes in the evidence.
    pub minutes: u64,
    /// Minutes held back until it is known whether the canary is still warming up.
    pub held_back: u64,
    /// Minutes left out because it was.
    pub warming_up: u64,
    /// Minutes in which there was nothing to compare: a track was silent, or stable had no past.
    pub one_sided: u64,
    /// Blocks of pods that started later and were warming up.
    pub new_pods: u64,
    /// Blocks that could not be read, or contradicted another.
    pub unreadable: u64,
    /// Blocks that came when their minute was closed: too late, or again.
    pub late: u64,
    /// Minutes of stable's past that were learned from.
    pub history: u64,
}
