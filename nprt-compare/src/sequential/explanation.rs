use nprt_core::model::PerTrack;

use crate::{Effect, MarginUsed, PassEvidence, QuantileFigures};

/// What a rule found, in figures and words.
#[derive(Debug)]
pub(super) struct Explanation {
    pub(super) data: &'static str,
    pub(super) statistic: String,
    pub(super) stable: Option<f64>,
    pub(super) canary: Option<f64>,
    pub(super) limit: Option<f64>,
    pub(super) samples: PerTrack<u64>,
    pub(super) pass: Option<PassEvidence>,
    /// How the evidence of a pass grows a minute.
    pub(super) growth: f64,
    /// Samples of the canary without which no pass is to be expected.
    pub(super) least_samples: u64,
    pub(super) passed: bool,
    pub(super) effect: Option<Effect>,
    pub(super) margin: Option<MarginUsed>,
    pub(super) quantiles: Vec<QuantileFigures>,
    pub(super) held_back: usize,
    pub(super) warming_up: u64,
    /// The figures in words.
    pub(super) figures: String,
    /// Why nothing can be concluded.
    pub(super) flaw: Option<String>,
}

impl Explanation {
    /// Of a rule with nothing to compare yet.
    pub(super) fn nothing(data: &'static str, statistic: String) -> Self {
        Self {
            data,
            statistic,
            stable: None,
            canary: None,
            limit: None,
            samples: PerTrack::default(),
            pass: None,
            growth: 0.0,
            least_samples: 0,
            passed: false,
            effect: None,
            margin: None,
            quantiles: Vec::new(),
            held_back: 0,
            warming_up: 0,
            figures: "nothing to compare yet".to_owned(),
            flaw: None,
        }
    }
}
