//! What grows and grows: of each pod the growth over five minutes, the canary's beside stable's.

use std::collections::BTreeMap;

use nprt_core::model::{PerTrack, Track};
use nprt_core::verdict::percent;
use serde::{Deserialize, Serialize};

use super::coverage::Coverage;
use super::explanation::Explanation;
use super::kind::{RuleKind, View};
use super::knowledge::Knowledge;
use super::minute::{MinuteSlots, Slot, SlotBlock, SlotData};
use super::setting::Time;
use super::weighted_test::WeightedTest;
use crate::Effect;
use crate::policy::GrowthRule;
use crate::statistics::paired_t::PairedT;

/// Over so many minutes growth is measured.
const SPAN: i64 = 5;

/// What is known so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Growth {
    #[serde(rename = "facts")]
    coverage: Coverage,
    /// Where the span began, and each pod's value then.
    from: Option<(i64, PerTrack<Values>)>,
    beyond: PairedT,
    /// Growth of each track, summed over the spans that count.
    sums: PerTrack<f64>,
}

/// A value of each pod; the empty name is that of blocks without one.
type Values = BTreeMap<String, f64>;

impl RuleKind for GrowthRule {
    type State = Growth;

    fn begin(&self) -> Growth {
        Growth::default()
    }

    fn weight(&self) -> f64 {
        self.weight
    }

    /// Stable's past does not say how it grows beside this canary.
    fn learn(&self, _known: &mut Knowledge, _minute: MinuteSlots<'_>) {}

    /// The first minutes do not count: every process grows when it starts. Neither does what begins below stable's
    /// level.
    fn fold(&self, state: &mut Growth, _known: &Knowledge, minute: MinuteSlots<'_>, time: Time, _alpha: f64) {
        let slot = minute.slot(&self.metric);
        state.coverage.note(slot, time.minute);
        if time.run <= i64::from(time.warm_up) {
            return;
        }
        let now = PerTrack::from_fn(|track| values(slot, track));
        if let Some((began, from)) = &state.from {
            if time.minute - began < SPAN {
                return;
            }
            let growth = PerTrack::from_fn(|track| grown(&from[track], &now[track]));
            let above = mean(&from.canary) > mean(&from.stable);
            let hours = (time.minute - began) as f64 / 60.0;
            match growth.both().filter(|_| above) {
                Some((stable, canary)) => {
                    let beyond = canary - stable - (self.margin_per_hour * hours).ln_1p();
                    state.observe(beyond, stable, canary);
                }
                None => {
                    let one_sided = growth.stable.is_none() || growth.canary.is_none();
                    state.coverage.excluded.one_sided += u64::from(one_sided);
                }
            }
        }
        let is_whole = !now.stable.is_empty() && !now.canary.is_empty();
        state.from = is_whole.then_some((time.minute, now));
    }

    fn coverage(state: &Growth) -> &Coverage {
        &state.coverage
    }

    fn tests(state: &Growth) -> Vec<WeightedTest> {
        vec![WeightedTest::new("paired t of growth", 1.0, state.beyond.ln_e())]
    }

    fn explain(&self, state: &Growth, _view: View<'_>) -> Explanation {
        let per_hour = state.per_hour();
        let figures = match per_hour {
            Some(PerTrack { stable, canary }) => {
                format!(
                    "grows by {} an hour on the canary and {} on stable",
                    percent(canary),
                    percent(stable)
                )
            }
            None => "the canary's is not above stable's, or too young".to_owned(),
        };
        Explanation {
            stable: per_hour.map(|growth| growth.stable),
            canary: per_hour.map(|growth| growth.canary),
            limit: per_hour.map(|growth| growth.stable + self.margin_per_hour),
            samples: PerTrack::from_fn(|_| state.coverage.used),
            effect: per_hour.map(|growth| Effect {
                estimate: growth.canary - growth.stable,
                low: None,
                high: None,
            }),
            figures,
            ..Explanation::nothing("growth", "growth an hour".to_owned())
        }
    }
}

impl Growth {
    /// Adds a span, by how much each track grew in it.
    fn observe(&mut self, beyond: f64, stable: f64, canary: f64) {
        if self.beyond.observe(beyond.clamp(-2.0, 2.0), 0.0).is_ok() {
            self.coverage.used += 1;
            self.sums = PerTrack::new(self.sums.stable + stable, self.sums.canary + canary);
        }
    }

    /// Growth of both tracks an hour; `None` before the first span.
    fn per_hour(&self) -> Option<PerTrack<f64>> {
        let hours = self.coverage.used as f64 * SPAN as f64 / 60.0;
        (hours > 0.0).then(|| self.sums.map(|sum| (sum / hours).exp_m1()))
    }
}

fn values(slot: &Slot, track: Track) -> Values {
    let value = |(key, data): &SlotBlock| match data {
        SlotData::Value(value) if *value > 0.0 => Some((key.pod.clone().unwrap_or_default(), *value)),
        _ => None,
    };
    slot.of(track).filter_map(value).collect()
}

/// The mean growth, as a logarithm, of the pods that are there at both ends.
fn grown(from: &Values, to: &Values) -> Option<f64> {
    let both: Vec<f64> = from.iter().filter_map(|(pod, a)| Some((to.get(pod)? / a).ln())).collect();
    (!both.is_empty()).then(|| both.iter().sum::<f64>() / both.len() as f64)
}

fn mean(pods: &Values) -> f64 {
    pods.values().sum::<f64>() / pods.len().max(1) as f64
}
