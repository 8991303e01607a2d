//! Failed requests and their classes.

mod explain;

use std::collections::{BTreeMap, BTreeSet};

use nprt_core::model::{PerTrack, Track};
use serde::{Deserialize, Serialize};

use super::coverage::Coverage;
use super::explanation::Explanation;
use super::kind::{RuleKind, View};
use super::knowledge::Knowledge;
use super::minute::{MinuteSlots, Slot, SlotData};
use super::residuals::PodCounts;
use super::setting::Time;
use super::weighted_test::{WeightedTest, average};
use crate::policy::FailuresRule;
use crate::statistics::Overdispersion;
use crate::statistics::counts::{CountsTest, Errors, Ratio};
use crate::statistics::new_classes::{Exposure, Findings, Level, Minute, NewClasses};
use crate::statistics::tolerance::ToleranceTest;

/// The shares of the tests: errors per request, new classes, and how many classes are new at all.
const WEIGHTS: [f64; 3] = [0.55, 0.4, 0.05];

/// What is known so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Failures {
    requests: Coverage,
    of_classes: Coverage,
    more: CountsTest,
    fewer: CountsTest,
    tolerable: ToleranceTest,
    firsts: CountsTest,
    classes: NewClasses,
    /// The class that was found to be the canary's; it stays.
    found: Option<ClassFinding>,
    totals: PerTrack<Count>,
    minutes: u64,
    growth: f64,
}

/// A new class, when it was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ClassFinding {
    class: String,
    incidents: u32,
    /// −ln of the error level that it was found at.
    ln_e: f64,
}

/// Requests, and how many of them failed.
type Count = (u64, u64);

impl RuleKind for FailuresRule {
    type State = Failures;

    const COUNTS_EVENTS: bool = true;

    fn begin(&self) -> Failures {
        Failures::new(self.tolerance)
    }

    fn weight(&self) -> f64 {
        self.weight
    }

    fn gates_pass(&self) -> bool {
        true
    }

    fn is_required(&self) -> bool {
        self.required
    }

    /// How many of stable's errors each pod had, beside its share of requests.
    fn learn(&self, known: &mut Knowledge, minute: MinuteSlots<'_>) {
        let mut pods = PodCounts::default();
        for (key, data) in minute.slot(&self.requests).of(Track::Stable) {
            if let (Some(pod), SlotData::Requests { requests, errors }) = (key.pod.as_deref(), data) {
                pods.add(pod, *requests, *errors);
            }
        }
        known.residuals.add_counts(minute.minute, &pods);
    }

    fn learn_history(&self, state: &mut Failures, known: &mut Knowledge, history: &[MinuteSlots<'_>]) {
        for minute in history {
            self.learn(known, *minute);
            let requests = stable_requests(minute.slot(&self.requests));
            known.requests = known.requests.saturating_add(requests);
            let names = names(minute.slot(&self.metric), Track::Stable);
            // Minutes ascend, so that none is refused.
            let _ = state.classes.observe_history(minute.minute, names);
        }
    }

    fn fold(&self, state: &mut Failures, known: &Knowledge, minute: MinuteSlots<'_>, time: Time, alpha: f64) {
        let (classes, requests) = (minute.slot(&self.metric), minute.slot(&self.requests));
        state.of_classes.note(classes, time.minute);
        let before = state.pass_evidence();
        let sums = state.fold_requests(self, known, requests, time);
        state.fold_classes(self, classes, sums, time, alpha, known.requests);
        state.growth += 0.2 * (state.pass_evidence() - before - state.growth);
    }

    fn coverage(state: &Failures) -> &Coverage {
        &state.requests
    }

    fn tests(state: &Failures) -> Vec<WeightedTest> {
        let [more, classes, firsts] = WEIGHTS;
        let found = state.found.as_ref().map_or(0.0, |found| found.ln_e);
        vec![
            WeightedTest::new("counts", more, state.more.ln_e()),
            WeightedTest::new("new classes", classes, found),
            WeightedTest::new("counts of new classes", firsts, state.firsts.ln_e()),
        ]
    }

    fn explain(&self, state: &Failures, view: View<'_>) -> Explanation {
        explain::explain(self, state, view)
    }
}

impl Failures {
    fn new(tolerance: f64) -> Self {
        Self {
            requests: Coverage::default(),
            of_classes: Coverage::default(),
            more: CountsTest::default(),
            fewer: CountsTest::default(),
            tolerable: ToleranceTest::new(tolerance),
            firsts: CountsTest::default(),
            classes: NewClasses::new(),
            found: None,
            totals: PerTrack::default(),
            minutes: 0,
            growth: 0.0,
        }
    }

    /// Adds a minute's requests, and returns their sums.
    fn fold_requests(
        &mut self,
        rule: &FailuresRule,
        known: &Knowledge,
        requests: &Slot,
        time: Time,
    ) -> PerTrack<Count> {
        self.requests.note(requests, time.minute);
        let routes = by_route(requests);
        let minute = routes
            .values()
            .fold(PerTrack::<Count>::default(), |sum, route| sum.zip(*route).map(|(sum, own)| add(sum, own)));
        if minute.stable.0 > 0 && minute.canary.0 > 0 {
            self.minutes += 1;
            self.requests.used += 1;
        } else if requests.blocks.iter().any(|(_, data)| matches!(data, SlotData::Requests { .. })) {
            self.requests.excluded.one_sided += 1;
        }
        self.totals = self.totals.zip(minute).map(|(total, own)| add(total, own));
        let phi = known.calibration(time.minute).overdispersion.first().copied();
        let phi = phi.unwrap_or(Overdispersion::NONE);
        let errors = |route: &PerTrack<Count>| Errors::new(swap(route.canary), swap(route.stable)).ok();
        let blocks: Vec<Errors> = routes.values().filter_map(errors).collect();
        let lower = Ratio::new(1.0 / rule.pass_ratio.get()).unwrap_or(Ratio::QUARTER_MORE);
        self.more.observe(phi, blocks.iter().map(|block| block.ln_factors(rule.ratio)));
        self.fewer.observe(phi, blocks.iter().map(|block| block.reversed().ln_factors(lower)));
        self.tolerable.observe(phi, swap(minute.canary));
        minute
    }

    fn fold_classes(
        &mut self,
        rule: &FailuresRule,
        classes: &Slot,
        sums: PerTrack<Count>,
        time: Time,
        alpha: f64,
        history_requests: u64,
    ) {
        let of = |track| names(classes, track);
        let both = Minute { minute: time.minute, stable: of(Track::Stable), canary: of(Track::Canary) };
        let Ok(first) = self.classes.observe(&both) else { return };
        let PerTrack { stable, canary } = sums.map(|(requests, _)| requests);
        if let Ok(block) =
            Errors::new((first.canary, canary.max(first.canary)), (first.stable, stable.max(first.stable)))
        {
            self.firsts.observe(Overdispersion::NONE, [block.ln_factors(rule.ratio)]);
        }
        let alpha = alpha * WEIGHTS[1];
        let found = self.findings(time, alpha, history_requests).and_then(|findings| {
            let worst = findings.classes.iter().max_by_key(|class| (class.level, class.incidents))?;
            let is_regression = worst.level == Level::Regression;
            is_regression.then(|| ClassFinding {
                class: worst.class.to_owned(),
                incidents: worst.incidents,
                ln_e: -alpha.ln(),
            })
        });
        if self.found.is_none() {
            self.found = found;
        }
    }

    /// What the new classes amount to now; `None` without requests on both tracks.
    fn findings(&self, time: Time, alpha: f64, history_requests: u64) -> Option<Findings<'_>> {
        let PerTrack { stable, canary } = self.totals.map(|(requests, _)| requests);
        if stable == 0 || canary == 0 {
            return None;
        }
        let whole = canary as f64 * time.deadline as f64 / (time.run.max(1) as f64);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count; it saturates")]
        let canary_requests = (whole as u64).max(canary);
        let share = canary as f64 / (canary as f64 + stable as f64);
        self.classes.findings(Exposure { history_requests, canary_requests, share }, alpha).ok()
    }

    /// ln E of a pass: fewer than is tolerated, or no more often than stable, averaged.
    fn pass_evidence(&self) -> f64 {
        average(&[
            WeightedTest::new("tolerated", 0.5, self.tolerable.ln_e()),
            WeightedTest::new("fewer", 0.5, self.fewer.ln_e()),
        ])
    }

    /// ln E of a pass, and how it grows a minute.
    fn gate(&self) -> (f64, f64) {
        (self.pass_evidence(), self.growth)
    }

    /// ln E of errors per request alone.
    fn more(&self) -> f64 {
        self.more.ln_e()
    }
}

fn swap((requests, errors): Count) -> (u64, u64) {
    (errors, requests)
}

fn add(sum: Count, own: Count) -> Count {
    (sum.0.saturating_add(own.0), sum.1.saturating_add(own.1))
}

fn by_route(slot: &Slot) -> BTreeMap<&str, PerTrack<Count>> {
    let mut routes = BTreeMap::<&str, PerTrack<Count>>::new();
    for (key, data) in &slot.blocks {
        let SlotData::Requests { requests, errors } = data else { continue };
        let sums = routes.entry(key.route.as_deref().unwrap_or_default()).or_default();
        sums[key.track] = add(sums[key.track], (*requests, *errors));
    }
    routes
}

/// The classes that occurred on a track.
fn names(slot: &Slot, track: Track) -> BTreeSet<&str> {
    let classes = slot.of(track).filter_map(|(_, data)| match data {
        SlotData::Classes(classes) => Some(classes),
        SlotData::Bins(_) | SlotData::Value(_) | SlotData::Requests { .. } => None,
    });
    classes.flatten().filter(|(_, count)| **count > 0).map(|(class, _)| class.as_str()).collect()
}

/// Stable's requests of a minute.
fn stable_requests(slot: &Slot) -> u64 {
    by_route(slot).values().map(|sums| sums.stable.0).fold(0, u64::saturating_add)
}
