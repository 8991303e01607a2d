//! Rare events of pods: restarts, kills, throttled periods.

use std::collections::BTreeMap;

use nprt_core::model::Track;
use serde::{Deserialize, Serialize};

use super::facts::Facts;
use super::failures::learn_counts;
use super::minute::{Measured, Slot};
use super::part::Part;
use super::residuals::Residuals;
use super::{Learned, Time};
use crate::policy::EventsRule;
use crate::statistics::Overdispersion;
use crate::statistics::counts::{CountsTest, Errors};

/// What is known so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Events {
    pub(super) facts: Facts,
    more: CountsTest,
    /// Pod-minutes (or periods) and events: stable's, the canary's.
    pub(super) totals: [(u64, u64); 2],
}

impl Events {
    /// Goes on by a minute.
    pub(super) fn fold(&mut self, rule: &EventsRule, learned: &Learned, slot: &Slot, time: Time) {
        self.facts.note(slot, time.minute);
        let mut minute = [(0_u64, 0_u64); 2];
        for (key, measured) in &slot.blocks {
            let Some((exposure, events)) = counts(measured) else { continue };
            let side = &mut minute[usize::from(key.track == Track::Canary)];
            *side = (side.0.saturating_add(exposure), side.1.saturating_add(events));
        }
        if minute.iter().any(|(exposure, _)| *exposure == 0) {
            self.facts.excluded.one_sided += u64::from(!slot.blocks.is_empty());
            return;
        }
        self.facts.used += 1;
        for (total, own) in self.totals.iter_mut().zip(minute) {
            *total = (total.0.saturating_add(own.0), total.1.saturating_add(own.1));
        }
        let phi = learned.calibration(time.minute).overdispersion.first().copied();
        let [stable, canary] = minute.map(|(exposure, events)| (events, exposure.max(events)));
        if let Ok(block) = Errors::new(canary, stable) {
            self.more.observe(phi.unwrap_or(Overdispersion::NONE), [block.ln_factors(rule.ratio)]);
        }
    }

    pub(super) fn parts(&self) -> Vec<Part> {
        vec![Part::new("counts", 1.0, self.more.ln_e())]
    }
}

/// What a block counts: of how many pod-minutes or periods, and how many events.
fn counts(measured: &Measured) -> Option<(u64, u64)> {
    match measured {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative; it saturates"
        )]
        Measured::Value(value) => Some((1, value.round() as u64)),
        Measured::Requests { requests, errors } => Some((*requests, *errors)),
        _ => None,
    }
}

/// What stable's pods differed by in a minute.
pub(super) fn learn(residuals: &mut Residuals, slot: &Slot, minute: i64) {
    let mut pods = BTreeMap::<&str, (f64, f64)>::new();
    for (key, measured) in slot.blocks.iter().filter(|(key, _)| key.track == Track::Stable) {
        if let Some((pod, (exposure, events))) = key.pod.as_deref().zip(counts(measured)) {
            let own = pods.entry(pod).or_default();
            own.0 += exposure as f64;
            own.1 += events as f64;
        }
    }
    learn_counts(residuals, &pods, minute);
}
