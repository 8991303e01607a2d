//! Measurements: samples and histograms by the whole distribution and its quantiles, values by their means.

use std::collections::BTreeMap;

use nprt_core::model::Track;
use serde::{Deserialize, Serialize};

use super::calibration::{Calibration, Shift};
use super::facts::Facts;
use super::minute::{Measured, Slot};
use super::part::Part;
use super::past::{Routes, Scores, Tally, scored};
use super::samples::{SampleStep, SampleTests};
use super::values::{ValueStep, ValueTests};
use super::warm_up::{Level, Starts, WarmUp};
use super::{Learned, Time};
use crate::policy::MeasurementsRule;
use crate::sketch::{Sparse, after, lower, number_of, upper};
use crate::statistics::quantile::Exceedances;
use crate::statistics::rank::RankBlock;

/// What is known so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Measurements {
    pub(super) facts: Facts,
    starts: Starts,
    samples: Option<Kind<SampleTests, SampleStep>>,
    values: Option<Kind<ValueTests, ValueStep>>,
}

/// The tests of one kind of measurements, and what is held back of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Kind<T, S> {
    pub(super) tests: T,
    pub(super) warm_up: WarmUp<S>,
}

/// The blocks of both tracks of one route: what is counted of each adds up, so that none is merged.
#[derive(Debug, Default)]
pub(super) struct Sides<'a> {
    pub(super) stable: Vec<&'a Sparse>,
    pub(super) canary: Vec<&'a Sparse>,
}

impl Sides<'_> {
    fn is_one_sided(&self) -> bool {
        [&self.stable, &self.canary].into_iter().any(|side| side.iter().all(|bins| bins.is_empty()))
    }
}

impl Measurements {
    pub(super) fn new() -> Self {
        Self { facts: Facts::default(), starts: Starts::default(), samples: None, values: None }
    }

    pub(super) fn samples(&self) -> Option<&Kind<SampleTests, SampleStep>> {
        self.samples.as_ref()
    }

    pub(super) fn values(&self) -> Option<&Kind<ValueTests, ValueStep>> {
        self.values.as_ref()
    }

    /// Goes on by a minute.
    pub(super) fn fold(&mut self, rule: &MeasurementsRule, learned: &Learned, slot: &Slot, time: Time) {
        self.facts.note(slot, time.minute);
        let new: Vec<bool> = slot
            .blocks
            .iter()
            .map(|(key, _)| self.starts.is_new(key.track, key.pod.as_deref(), time.minute, time.warm_up))
            .collect();
        let old = || slot.blocks.iter().zip(&new).filter(|(_, new)| !**new).map(|(block, _)| block);
        self.facts.excluded.new_pods += new.iter().filter(|new| **new).count() as u64;
        let calibration = learned.calibration(time.minute);
        let pods = |track| pods(old(), track);
        let counts = [pods(Track::Stable), pods(Track::Canary)];
        if old().any(|(_, measured)| matches!(measured, Measured::Bins(_))) {
            self.fold_samples(rule, learned, calibration, old(), counts, time);
        }
        if old().any(|(_, measured)| matches!(measured, Measured::Value(_))) {
            self.fold_values(rule, calibration, old(), counts, time);
        }
    }

    fn fold_samples<'a>(
        &mut self,
        rule: &MeasurementsRule,
        learned: &Learned,
        calibration: &Calibration,
        blocks: impl Iterator<Item = &'a (super::minute::Key, Measured)>,
        [stable_pods, canary_pods]: [u64; 2],
        time: Time,
    ) {
        let kind = self.samples.get_or_insert_with(|| Kind {
            tests: SampleTests::new(rule),
            warm_up: WarmUp::new(time.warm_up),
        });
        let margin = Shift::new(&rule.margin, calibration.pods.beyond(canary_pods, stable_pods));
        let pass = Shift::new(&rule.pass_margin, -calibration.pods.hidden(canary_pods, stable_pods));
        kind.tests.margins(margin, pass);
        let mut step = SampleStep::new(calibration, rule.quantiles.len());
        for (route, sides) in by_route(blocks) {
            let one_sided = sides.is_one_sided();
            kind.tests.seen(&sides, one_sided);
            if one_sided {
                continue;
            }
            if let Some(scores) = learned.past.scores(route, time.minute) {
                add_route(&mut step, rule, &scores, &sides, margin, pass);
            }
        }
        step.finish(margin);
        if let Some(level) = step.level() {
            let steps = kind.warm_up.step(step, level, time.warm_up);
            self.facts.used += steps.len() as u64;
            steps.iter().for_each(|step| kind.tests.observe(step));
        } else {
            self.facts.excluded.one_sided += 1;
        }
    }

    fn fold_values<'a>(
        &mut self,
        rule: &MeasurementsRule,
        calibration: &Calibration,
        blocks: impl Iterator<Item = &'a (super::minute::Key, Measured)>,
        [stable_pods, canary_pods]: [u64; 2],
        time: Time,
    ) {
        let kind = self
            .values
            .get_or_insert_with(|| Kind { tests: ValueTests::default(), warm_up: WarmUp::new(time.warm_up) });
        let margin = Shift::new(&rule.margin, calibration.pods.beyond(canary_pods, stable_pods));
        let pass = Shift::new(&rule.pass_margin, -calibration.pods.hidden(canary_pods, stable_pods));
        let [stable, canary] = means(blocks);
        let Some((stable, canary)) = stable.zip(canary) else {
            self.facts.excluded.one_sided += 1;
            return;
        };
        let step = ValueStep::new(stable, canary, margin, pass, calibration.autocorrelation);
        kind.tests.seen(stable, canary, margin, pass);
        let level = Level { difference: step.plain, variance: None };
        let steps = kind.warm_up.step(step, level, time.warm_up);
        self.facts.used += steps.len() as u64;
        steps.iter().for_each(|step| kind.tests.observe(step));
    }

    /// The evidence of a regression, by test; the weights sum to 1.
    pub(super) fn parts(&self) -> Vec<Part> {
        match (&self.samples, &self.values) {
            (Some(kind), _) => kind.tests.parts(),
            (None, Some(kind)) => kind.tests.parts(),
            (None, None) => Vec::new(),
        }
    }
}

/// One route's part of a minute.
fn add_route(
    step: &mut SampleStep,
    rule: &MeasurementsRule,
    scores: &Scores,
    sides: &Sides<'_>,
    margin: Shift,
    pass: Shift,
) {
    // First those for a regression, then those for a pass.
    let percentiles = || rule.quantiles.iter().map(|quantile| quantile.percentile);
    let thresholds: Vec<u32> = percentiles()
        .map(|percentile| scores.threshold(percentile))
        .chain(percentiles().map(|percentile| scores.bin(percentile)))
        .collect();
    let stable = scores.tally(&sides.stable, &thresholds, |bin| bin);
    let tally = |map: &dyn Fn(u32) -> u32| scores.tally(&sides.canary, &thresholds, map);
    // Rounded so that a regression never profits, and neither does a pass.
    let shifted = tally(&|bin| number_of(margin.inverse(lower(bin))));
    let lifted = tally(&|bin| {
        let limit = pass.inverse(upper(bin));
        let within = number_of(limit);
        if limit > 0.0 && lower(within) >= limit { within - 1 } else { within }.min(after(bin) - 1)
    });
    let plain = tally(&|bin| bin);
    step.add(&stable, &shifted, &lifted, &plain);
    step.add_means(sides);
}

pub(super) fn by_route<'a>(
    blocks: impl Iterator<Item = &'a (super::minute::Key, Measured)>,
) -> BTreeMap<&'a str, Sides<'a>> {
    let mut routes = BTreeMap::<&str, Sides<'_>>::new();
    for (key, measured) in blocks {
        let Measured::Bins(bins) = measured else { continue };
        let sides = routes.entry(key.route.as_deref().unwrap_or_default()).or_default();
        let side = if key.track == Track::Stable { &mut sides.stable } else { &mut sides.canary };
        side.push(bins);
    }
    routes
}

/// Distinct pods of a track; 1 where none has a name.
fn pods<'a>(blocks: impl Iterator<Item = &'a (super::minute::Key, Measured)>, track: Track) -> u64 {
    let mut names: Vec<_> =
        blocks.filter(|(key, _)| key.track == track).map(|(key, _)| key.pod.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    names.len().max(1) as u64
}

/// The mean of the pods' values on each track.
fn means<'a>(blocks: impl Iterator<Item = &'a (super::minute::Key, Measured)>) -> [Option<f64>; 2] {
    let mut sums = [(0.0, 0_u64); 2];
    for (key, measured) in blocks {
        let Measured::Value(value) = measured else { continue };
        let (sum, count) = &mut sums[usize::from(key.track == Track::Canary)];
        *sum += value;
        *count += 1;
    }
    sums.map(|(sum, count)| (count > 0 && sum.is_finite()).then(|| sum / count as f64))
}

/// Stable's bins of a minute by route, for its past.
pub(super) fn stable_routes(slot: &Slot) -> Routes {
    let stable = slot.blocks.iter().filter(|(key, _)| key.track == Track::Stable);
    let merged = |sides: Sides<'_>| {
        sides.stable.into_iter().fold(Sparse::default(), |mut sum, bins| {
            sum.merge(bins);
            sum
        })
    };
    by_route(stable).into_iter().map(|(route, sides)| (route.to_owned(), merged(sides))).collect()
}

/// A minute's exceedances of a threshold; those that make no sense are none.
pub(super) fn exceedances(canary: (u64, u64), stable: (u64, u64)) -> Option<Exceedances> {
    Exceedances::new(canary, stable).ok()
}

/// A minute's scores.
pub(super) fn rank_block(canary: &Tally, stable: &Tally) -> Option<RankBlock> {
    RankBlock::new(scored(canary, stable)).ok()
}
