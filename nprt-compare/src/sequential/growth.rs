//! What grows and grows: of each pod the growth over five minutes, the canary's beside stable's.

use std::collections::BTreeMap;

use nprt_core::model::Track;
use serde::{Deserialize, Serialize};

use super::Time;
use super::facts::Facts;
use super::minute::{Measured, Slot};
use super::part::Part;
use crate::policy::GrowthRule;
use crate::statistics::paired_t::PairedT;

/// Over so many minutes growth is measured.
const SPAN: i64 = 5;

/// What is known so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Growth {
    pub(super) facts: Facts,
    /// Where the span began, and each pod's value then: stable's, the canary's.
    from: Option<(i64, [BTreeMap<String, f64>; 2])>,
    beyond: PairedT,
    /// Growth of each track, summed over the spans that count.
    pub(super) sums: [f64; 2],
}

impl Growth {
    /// Goes on by a minute. The first minutes do not count: every process grows when it starts. Neither does what
    /// begins below stable's level.
    pub(super) fn fold(&mut self, rule: &GrowthRule, slot: &Slot, time: Time) {
        self.facts.note(slot, time.minute);
        if time.run <= i64::from(time.warm_up) {
            return;
        }
        let now = [Track::Stable, Track::Canary].map(|track| values(slot, track));
        let Some((began, from)) = &self.from else {
            self.from = now.iter().all(|pods| !pods.is_empty()).then_some((time.minute, now));
            return;
        };
        if time.minute - began < SPAN {
            return;
        }
        let [stable, canary] = [0, 1].map(|side| grown(&from[side], &now[side]));
        let above = mean(&from[1]) > mean(&from[0]);
        match stable.zip(canary).filter(|_| above) {
            Some((stable, canary)) => {
                let hours = (time.minute - began) as f64 / 60.0;
                let beyond = canary - stable - (rule.margin_per_hour * hours).ln_1p();
                if self.beyond.observe(beyond.clamp(-2.0, 2.0), 0.0).is_ok() {
                    self.facts.used += 1;
                    self.sums = [self.sums[0] + stable, self.sums[1] + canary];
                }
            }
            None => self.facts.excluded.one_sided += u64::from(stable.is_none() || canary.is_none()),
        }
        self.from = now.iter().all(|pods| !pods.is_empty()).then_some((time.minute, now));
    }

    /// Growth of both tracks an hour, stable's first; `None` before the first span.
    pub(super) fn per_hour(&self) -> Option<[f64; 2]> {
        let hours = self.facts.used as f64 * SPAN as f64 / 60.0;
        (hours > 0.0).then(|| self.sums.map(|sum| (sum / hours).exp_m1()))
    }

    pub(super) fn parts(&self) -> Vec<Part> {
        vec![Part::new("paired t of growth", 1.0, self.beyond.ln_e())]
    }
}

/// Each pod's value; the empty name is that of blocks without one.
fn values(slot: &Slot, track: Track) -> BTreeMap<String, f64> {
    let own = slot.blocks.iter().filter(|(key, _)| key.track == track);
    own.filter_map(|(key, measured)| match measured {
        Measured::Value(value) if *value > 0.0 => Some((key.pod.clone().unwrap_or_default(), *value)),
        _ => None,
    })
    .collect()
}

/// The mean growth, as a logarithm, of the pods that are there at both ends.
fn grown(from: &BTreeMap<String, f64>, to: &BTreeMap<String, f64>) -> Option<f64> {
    let both: Vec<f64> = from.iter().filter_map(|(pod, a)| Some((to.get(pod)? / a).ln())).collect();
    (!both.is_empty()).then(|| both.iter().sum::<f64>() / both.len() as f64)
}

fn mean(pods: &BTreeMap<String, f64>) -> f64 {
    pods.values().sum::<f64>() / pods.len().max(1) as f64
}
