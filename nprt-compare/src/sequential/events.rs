//! Rare events of pods: restarts, kills, throttled periods.

use nprt_core::model::{PerTrack, Track, significant};
use serde::{Deserialize, Serialize};

use super::coverage::Coverage;
use super::explanation::Explanation;
use super::kind::{RuleKind, View};
use super::knowledge::Knowledge;
use super::minute::{MinuteSlots, SlotData};
use super::residuals::PodCounts;
use super::setting::Time;
use super::weighted_test::WeightedTest;
use crate::Effect;
use crate::policy::EventsRule;
use crate::statistics::Overdispersion;
use crate::statistics::counts::{CountsTest, Errors};

/// What is known so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Events {
    #[serde(rename = "facts")]
    coverage: Coverage,
    more: CountsTest,
    /// Pod-minutes (or periods) and events.
    totals: PerTrack<(u64, u64)>,
}

impl RuleKind for EventsRule {
    type State = Events;

    const COUNTS_EVENTS: bool = true;

    fn begin(&self) -> Events {
        Events::default()
    }

    fn weight(&self) -> f64 {
        self.weight
    }

    fn learn(&self, known: &mut Knowledge, minute: MinuteSlots<'_>) {
        let mut pods = PodCounts::default();
        for (key, data) in minute.slot(&self.metric).of(Track::Stable) {
            if let Some((pod, (exposure, events))) = key.pod.as_deref().zip(counts(data)) {
                pods.add(pod, exposure, events);
            }
        }
        known.residuals.add_counts(minute.minute, &pods);
    }

    fn fold(&self, state: &mut Events, known: &Knowledge, minute: MinuteSlots<'_>, time: Time, _alpha: f64) {
        let slot = minute.slot(&self.metric);
        state.coverage.note(slot, time.minute);
        let mut sums = PerTrack::<(u64, u64)>::default();
        for (key, data) in &slot.blocks {
            let Some(own) = counts(data) else { continue };
            sums[key.track] = add(sums[key.track], own);
        }
        if sums.stable.0 == 0 || sums.canary.0 == 0 {
            state.coverage.excluded.one_sided += u64::from(!slot.blocks.is_empty());
            return;
        }
        state.coverage.used += 1;
        state.totals = state.totals.zip(sums).map(|(total, own)| add(total, own));
        let phi = known.calibration(time.minute).overdispersion.first().copied();
        let errors = sums.map(|(exposure, events)| (events, exposure.max(events)));
        if let Ok(block) = Errors::new(errors.canary, errors.stable) {
            state.more.observe(phi.unwrap_or(Overdispersion::NONE), [block.ln_factors(self.ratio)]);
        }
    }

    fn coverage(state: &Events) -> &Coverage {
        &state.coverage
    }

    fn tests(state: &Events) -> Vec<WeightedTest> {
        vec![WeightedTest::new("counts", 1.0, state.more.ln_e())]
    }

    fn explain(&self, state: &Events, _view: View<'_>) -> Explanation {
        let PerTrack { stable, canary } = state.totals;
        let rate = |(exposure, events): (u64, u64)| (exposure > 0).then(|| events as f64 / exposure as f64);
        let ratio = rate(canary).zip(rate(stable)).filter(|(_, stable)| *stable > 0.0);
        Explanation {
            stable: rate(stable),
            canary: rate(canary),
            limit: rate(stable).map(|stable| stable * self.ratio.get()),
            samples: state.totals.map(|(exposure, _)| exposure),
            effect: ratio.map(|(canary, stable)| Effect {
                estimate: canary / stable - 1.0,
                low: None,
                high: None,
            }),
            figures: format!(
                "{} on the canary in {} pod-minutes (or periods), {} on stable in {}",
                canary.1, canary.0, stable.1, stable.0
            ),
            ..Explanation::nothing(
                "events",
                format!("events, at most {} times", significant(self.ratio.get(), 3)),
            )
        }
    }
}

fn add(sum: (u64, u64), own: (u64, u64)) -> (u64, u64) {
    (sum.0.saturating_add(own.0), sum.1.saturating_add(own.1))
}

/// What a block counts: of how many pod-minutes or periods, and how many events.
fn counts(data: &SlotData) -> Option<(u64, u64)> {
    match data {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative; it saturates"
        )]
        SlotData::Value(value) => Some((1, value.round() as u64)),
        SlotData::Requests { requests, errors } => Some((*requests, *errors)),
        SlotData::Bins(_) | SlotData::Classes(_) => None,
    }
}
