use std::collections::BTreeMap;

use nprt_core::model::Block;
use serde::{Deserialize, Serialize};

use super::Axis;
use crate::{Evidence, Verdict};

/// How the evidence of one rule came in, one value a point of the report's [`Axis`]: of the last verdict in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectCurve {
    /// The rule, by its place in [`Verdict::metrics`].
    pub rule: usize,
    /// By point; `None` where nobody judged.
    pub points: Vec<Option<EffectPoint>>,
}

/// What was known at one look.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EffectPoint {
    /// How much higher the canary is, as a share of stable (of growth: a share an hour).
    pub estimate: Option<f64>,
    /// Where it lies with 95 % at all looks together.
    pub low: Option<f64>,
    /// See `low`.
    pub high: Option<f64>,
    /// How much of the evidence that this rule alone calls a regression by there is: 1 decides.
    pub regression: f64,
    /// How much of the evidence of a pass there is; 1 suffices. `None` where a pass does not wait for the rule.
    pub pass: Option<f64>,
}

impl EffectPoint {
    fn of(evidence: &Evidence) -> Self {
        let finite = |number: Option<f64>| number.filter(|number| number.is_finite());
        let share = |ln_e: f64, threshold: f64| {
            let share = ln_e / threshold;
            if share.is_finite() { share } else { 0.0 }
        };
        Self {
            estimate: finite(evidence.effect.map(|effect| effect.estimate)),
            low: finite(evidence.effect.and_then(|effect| effect.low)),
            high: finite(evidence.effect.and_then(|effect| effect.high)),
            regression: share(evidence.ln_e, evidence.threshold),
            pass: evidence.pass.as_ref().map(|pass| share(pass.ln_e, pass.threshold)),
        }
    }
}

/// What each verdict said, by its last minute and rule.
#[derive(Debug, Clone, Default)]
pub(super) struct Looks(BTreeMap<i64, Vec<Option<EffectPoint>>>);

impl Looks {
    pub(super) fn add(&mut self, verdict: &Verdict) {
        let points = verdict.metrics.iter().map(|rule| rule.evidence.as_ref().map(EffectPoint::of));
        self.0.insert(last_minute(verdict), points.collect());
    }

    /// One past the last minute that was judged.
    pub(super) fn end(&self) -> Option<i64> {
        self.0.last_key_value().map(|(minute, _)| minute.saturating_add(1))
    }

    /// The curve of a rule, if it ever had evidence.
    pub(super) fn curve(&self, rule: usize, axis: &Axis) -> Option<EffectCurve> {
        let mut points = vec![None; axis.len()];
        for (minute, rules) in &self.0 {
            let slot = axis.point_of(*minute).and_then(|point| points.get_mut(point));
            if let (Some(slot), Some(point)) = (slot, rules.get(rule)) {
                *slot = *point;
            }
        }
        points.iter().any(Option::is_some).then_some(EffectCurve { rule, points })
    }
}

/// The last minute that was over when a verdict was made.
fn last_minute(verdict: &Verdict) -> i64 {
    Block::minute_of(verdict.range.end()).saturating_sub(1)
}
