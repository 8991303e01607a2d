//! The tests of values: the means of both tracks' pods, minute by minute.

use nprt_core::model::PerTrack;
use serde::{Deserialize, Serialize};

use super::super::shift::Margins;
use super::super::weighted_test::WeightedTest;
use super::constant::Constant;
use crate::statistics::paired_t::PairedT;

/// A difference of logarithms counts as at most this: e² is more than seven times as much. It keeps a zero finite.
const MOST: f64 = 2.0;

/// One minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ValueStep {
    /// The logarithm of the canary's mean over the limit.
    beyond: f64,
    /// That of the limit of a pass over the canary's mean.
    within: f64,
    /// That of the canary's mean over stable's.
    pub(super) plain: f64,
    autocorrelation: f64,
}

impl ValueStep {
    pub(super) fn new(means: PerTrack<f64>, margins: Margins, autocorrelation: f64) -> Self {
        let PerTrack { stable, canary } = means;
        Self {
            beyond: ln_ratio(canary, margins.regression.limit(stable)),
            within: ln_ratio(margins.pass.limit(stable), canary),
            plain: ln_ratio(canary, stable),
            autocorrelation,
        }
    }
}

/// The evidence so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct ValueTests {
    beyond: PairedT,
    within: PairedT,
    pub(super) plain: PairedT,
    pub(super) constant: Constant,
    pub(super) margins: Option<Margins>,
    pub(super) steps: u64,
    autocorrelation: f64,
    /// Of the minutes that were measured, and the sums of both tracks' means in them.
    seen: u64,
    sums: PerTrack<f64>,
    growth: f64,
}

impl ValueTests {
    pub(super) fn observe(&mut self, step: &ValueStep) {
        let before = self.within.ln_e();
        self.autocorrelation = step.autocorrelation;
        // Bounded numbers: the tests take them.
        let _ = self.beyond.observe(step.beyond, step.autocorrelation);
        let _ = self.within.observe(step.within, step.autocorrelation);
        let _ = self.plain.observe(step.plain, step.autocorrelation);
        self.steps += 1;
        self.growth += 0.2 * (self.within.ln_e() - before - self.growth);
    }

    /// Notes what was measured, whether it counts or not.
    pub(super) fn note(&mut self, means: PerTrack<f64>, margins: Margins) {
        let PerTrack { stable, canary } = means;
        let same = stable.to_bits() == canary.to_bits();
        self.constant.note(true, same.then_some(stable.to_bits()));
        self.margins = Some(margins);
        self.seen += 1;
        self.sums = self.sums.zip(means).map(|(sum, mean)| sum + mean);
    }

    pub(super) fn weighted(&self) -> Vec<WeightedTest> {
        vec![WeightedTest::new("paired t", 1.0, self.beyond.ln_e())]
    }

    /// ln E of a pass, and how it grows a step.
    pub(super) fn gate(&self) -> (f64, f64) {
        (self.within.ln_e(), self.growth)
    }

    /// The mean of each track over all minutes; `None` before the first.
    pub(super) fn means(&self) -> PerTrack<Option<f64>> {
        self.sums.map(|sum| (self.seen > 0 && sum.is_finite()).then(|| sum / self.seen as f64))
    }

    /// The autocorrelation that the differences are taken to have.
    pub(super) fn autocorrelation(&self) -> f64 {
        self.autocorrelation
    }
}

fn ln_ratio(a: f64, b: f64) -> f64 {
    if a <= 0.0 && b <= 0.0 {
        return 0.0;
    }
    let ratio = (a.max(0.0) / b.max(0.0)).ln();
    if ratio.is_nan() { 0.0 } else { ratio.clamp(-MOST, MOST) }
}
