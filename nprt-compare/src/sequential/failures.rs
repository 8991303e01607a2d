//! Failed requests and their classes.

use std::collections::{BTreeMap, BTreeSet};

use nprt_core::model::Track;
use serde::{Deserialize, Serialize};

use super::facts::Facts;
use super::minute::{Key, Measured, Slot};
use super::part::Part;
use super::residuals::{Residual, Residuals};
use super::{Learned, Time};
use crate::policy::FailuresRule;
use crate::statistics::Overdispersion;
use crate::statistics::counts::{CountsTest, Errors, Ratio};
use crate::statistics::new_classes::{Exposure, Findings, Minute, NewClasses};
use crate::statistics::tolerance::ToleranceTest;

/// The shares of the tests: errors per request, new classes, and how many classes are new at all.
pub(super) const WEIGHTS: [f64; 3] = [0.55, 0.4, 0.05];

/// What is known so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Failures {
    pub(super) requests: Facts,
    pub(super) of_classes: Facts,
    more: CountsTest,
    fewer: CountsTest,
    tolerable: ToleranceTest,
    firsts: CountsTest,
    pub(super) classes: NewClasses,
    /// The class that was found to be the canary's; it stays.
    pub(super) found: Option<Found>,
    /// Requests and failed ones: stable's, the canary's.
    pub(super) totals: [(u64, u64); 2],
    pub(super) minutes: u64,
    growth: f64,
}

/// A new class, when it was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) class: String,
    pub(super) incidents: u32,
    /// −ln of the error level that it was found at.
    ln_e: f64,
}

impl Failures {
    /// Beside what stable had in its history.
    pub(super) fn new(rule: &FailuresRule, classes: NewClasses) -> Self {
        Self {
            requests: Facts::default(),
            of_classes: Facts::default(),
            more: CountsTest::default(),
            fewer: CountsTest::default(),
            tolerable: ToleranceTest::new(rule.tolerance),
            firsts: CountsTest::default(),
            classes,
            found: None,
            totals: [(0, 0); 2],
            minutes: 0,
            growth: 0.0,
        }
    }

    /// Goes on by a minute. `alpha` is the error level of the whole rule.
    pub(super) fn fold(
        &mut self,
        rule: &FailuresRule,
        learned: &Learned,
        [classes, requests]: [&Slot; 2],
        time: Time,
        alpha: f64,
    ) {
        self.of_classes.note(classes, time.minute);
        self.requests.note(requests, time.minute);
        let routes = by_route(requests);
        let minute = routes.values().fold([(0, 0); 2], |sum, sides| {
            [0, 1].map(|side| (sum[side].0 + sides[side].0, sum[side].1 + sides[side].1))
        });
        if minute.iter().all(|(requests, _)| *requests > 0) {
            self.minutes += 1;
            self.requests.used += 1;
        } else if requests.blocks.iter().any(|(_, measured)| matches!(measured, Measured::Requests { .. })) {
            self.requests.excluded.one_sided += 1;
        }
        for (total, own) in self.totals.iter_mut().zip(minute) {
            *total = (total.0.saturating_add(own.0), total.1.saturating_add(own.1));
        }
        let phi = learned.calibration(time.minute).overdispersion.first().copied();
        let phi = phi.unwrap_or(Overdispersion::NONE);
        let before = self.pass_evidence();
        let errors = |sides: &Sides| Errors::new(swap(sides[1]), swap(sides[0])).ok();
        let blocks: Vec<Errors> = routes.values().filter_map(errors).collect();
        let lower = Ratio::new(1.0 / rule.pass_ratio.get()).unwrap_or(Ratio::QUARTER_MORE);
        self.more.observe(phi, blocks.iter().map(|block| block.ln_factors(rule.ratio)));
        self.fewer.observe(phi, blocks.iter().map(|block| block.reversed().ln_factors(lower)));
        self.tolerable.observe(phi, swap(minute[1]));
        self.fold_classes(rule, classes, minute, time, alpha, learned.requests);
        self.growth += 0.2 * (self.pass_evidence() - before - self.growth);
    }

    fn fold_classes(
        &mut self,
        rule: &FailuresRule,
        classes: &Slot,
        minute: Sides,
        time: Time,
        alpha: f64,
        history_requests: u64,
    ) {
        let of = |track| names(classes, track);
        let both = Minute { minute: time.minute, stable: of(Track::Stable), canary: of(Track::Canary) };
        let Ok(first) = self.classes.observe(&both) else { return };
        let [stable, canary] = minute.map(|(requests, _)| requests);
        if let Ok(block) =
            Errors::new((first.canary, canary.max(first.canary)), (first.stable, stable.max(first.stable)))
        {
            self.firsts.observe(Overdispersion::NONE, [block.ln_factors(rule.ratio)]);
        }
        let alpha = alpha * WEIGHTS[1];
        let found = self.findings(time, alpha, history_requests).and_then(|findings| {
            let worst = findings.classes.iter().max_by_key(|class| (class.level, class.incidents))?;
            let is_regression = worst.level == crate::statistics::new_classes::Level::Regression;
            is_regression.then(|| Found {
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
    pub(super) fn findings(&self, time: Time, alpha: f64, history_requests: u64) -> Option<Findings<'_>> {
        let [stable, canary] = self.totals.map(|(requests, _)| requests);
        if stable == 0 || canary == 0 {
            return None;
        }
        let whole = canary as f64 * time.deadline as f64 / (time.run.max(1) as f64);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count; it saturates")]
        let canary_requests = (whole as u64).max(canary);
        let share = canary as f64 / (canary as f64 + stable as f64);
        self.classes.findings(Exposure { history_requests, canary_requests, share }, alpha).ok()
    }

    /// The evidence of a regression, by test.
    pub(super) fn parts(&self) -> Vec<Part> {
        let [more, classes, firsts] = WEIGHTS;
        let found = self.found.as_ref().map_or(0.0, |found| found.ln_e);
        vec![
            Part::new("counts", more, self.more.ln_e()),
            Part::new("new classes", classes, found),
            Part::new("counts of new classes", firsts, self.firsts.ln_e()),
        ]
    }

    /// ln E of a pass: fewer than is tolerated, or no more often than stable, averaged.
    pub(super) fn pass_evidence(&self) -> f64 {
        super::part::average(&[
            Part::new("tolerated", 0.5, self.tolerable.ln_e()),
            Part::new("fewer", 0.5, self.fewer.ln_e()),
        ])
    }

    /// ln E of a pass, and how it grows a minute.
    pub(super) fn gate(&self) -> (f64, f64) {
        (self.pass_evidence(), self.growth)
    }

    /// ln E of errors per request alone.
    pub(super) fn more(&self) -> f64 {
        self.more.ln_e()
    }
}

/// Requests and failed ones: stable's, the canary's.
type Sides = [(u64, u64); 2];

fn swap((requests, errors): (u64, u64)) -> (u64, u64) {
    (errors, requests)
}

fn by_route(slot: &Slot) -> BTreeMap<&str, Sides> {
    let mut routes = BTreeMap::<&str, Sides>::new();
    for (Key { track, route, .. }, measured) in &slot.blocks {
        let Measured::Requests { requests, errors } = measured else { continue };
        let sides = routes.entry(route.as_deref().unwrap_or_default()).or_default();
        let side = &mut sides[usize::from(*track == Track::Canary)];
        *side = (side.0.saturating_add(*requests), side.1.saturating_add(*errors));
    }
    routes
}

/// The classes that occurred on a track.
pub(super) fn names(slot: &Slot, track: Track) -> BTreeSet<&str> {
    let own = slot.blocks.iter().filter(|(key, _)| key.track == track);
    let classes = own.filter_map(|(_, measured)| match measured {
        Measured::Classes(classes) => Some(classes),
        _ => None,
    });
    classes.flatten().filter(|(_, count)| **count > 0).map(|(class, _)| class.as_str()).collect()
}

/// Stable's requests of a minute.
pub(super) fn stable_requests(slot: &Slot) -> u64 {
    by_route(slot).values().map(|sides| sides[0].0).fold(0, u64::saturating_add)
}

/// What stable's pods differed by in a minute: how many of its errors each had, beside its share of requests.
pub(super) fn learn(residuals: &mut Residuals, slot: &Slot, minute: i64) {
    let mut pods = BTreeMap::<&str, (f64, f64)>::new();
    for (key, measured) in slot.blocks.iter().filter(|(key, _)| key.track == Track::Stable) {
        let (Some(pod), Measured::Requests { requests, errors }) = (key.pod.as_deref(), measured) else {
            continue;
        };
        let own = pods.entry(pod).or_default();
        own.0 += *requests as f64;
        own.1 += *errors as f64;
    }
    learn_counts(residuals, &pods, minute);
}

/// Of each pod, its count beside its share of the exposure.
pub(super) fn learn_counts(residuals: &mut Residuals, pods: &BTreeMap<&str, (f64, f64)>, minute: i64) {
    let (exposure, count) = pods.values().fold((0.0, 0.0), |(a, b), (n, k)| (a + n, b + k));
    for (pod, (own, errors)) in pods.iter().filter(|_| pods.len() > 1 && exposure > 0.0) {
        let share = own / exposure;
        let variance = count * share * (1.0 - share);
        residuals.add(minute, pod, &[Residual { excess: errors - share * count, variance, weight: 1.0 }]);
    }
}
