//! The tests of samples: ranks and quantiles in blocks, and the ranks' and means' series.

use nprt_core::model::PerTrack;
use serde::{Deserialize, Serialize};

use super::super::calibration::Calibration;
use super::super::past::{Scores, Tally, scored};
use super::super::shift::{Margins, Shift};
use super::super::weighted_test::WeightedTest;
use super::constant::Constant;
use super::sides::Sides;
use super::warm_up::Level;
use crate::policy::{Gate, MeasurementsRule};
use crate::sketch::{after, lower, number_of, upper};
use crate::statistics::Overdispersion;
use crate::statistics::paired_t::PairedT;
use crate::statistics::quantile::{Exceedances, ODDS, QuantileTest};
use crate::statistics::rank::{LAMBDAS, RankBlock, RankTest};

/// One minute, all routes together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SampleStep {
    rank: [f64; LAMBDAS.len()],
    rank_pass: [f64; LAMBDAS.len()],
    quantiles: Vec<[f64; ODDS.len()]>,
    quantiles_pass: Vec<[f64; ODDS.len()]>,
    /// The canary's sum of scores above its expectation, beyond the margin, and its variance.
    beyond: (f64, f64),
    /// The same without a margin, and what it is divided by to be a difference of mean scores.
    plain: (f64, f64, f64),
    /// Weighted means of both tracks.
    means: PerTrack<f64>,
    /// How much the means' logarithms differ beyond the margin.
    mean: Option<f64>,
    samples: PerTrack<u64>,
    overdispersion: Vec<Overdispersion>,
    autocorrelation: f64,
}

impl SampleStep {
    pub(super) fn new(calibration: &Calibration, quantiles: usize) -> Self {
        Self {
            rank: [0.0; LAMBDAS.len()],
            rank_pass: [0.0; LAMBDAS.len()],
            quantiles: vec![[0.0; ODDS.len()]; quantiles],
            quantiles_pass: vec![[0.0; ODDS.len()]; quantiles],
            beyond: (0.0, 0.0),
            plain: (0.0, 0.0, 0.0),
            means: PerTrack::default(),
            mean: None,
            samples: PerTrack::default(),
            overdispersion: calibration.overdispersion.clone(),
            autocorrelation: calibration.autocorrelation,
        }
    }

    /// Adds a route's part of the minute.
    pub(super) fn add_route(
        &mut self,
        rule: &MeasurementsRule,
        scores: &Scores,
        sides: &Sides<'_>,
        margins: Margins,
    ) {
        let Margins { regression, pass } = margins;
        // First those for a regression, then those for a pass.
        let percentiles = || rule.quantiles.iter().map(|quantile| quantile.percentile);
        let thresholds: Vec<u32> = percentiles()
            .map(|percentile| scores.threshold(percentile))
            .chain(percentiles().map(|percentile| scores.bin(percentile)))
            .collect();
        let stable = scores.tally(&sides.stable, &thresholds, |bin| bin);
        let tally = |map: &dyn Fn(u32) -> u32| scores.tally(&sides.canary, &thresholds, map);
        // Rounded so that a regression never profits, and neither does a pass.
        let shifted = tally(&|bin| number_of(regression.inverse(lower(bin))));
        let lifted = tally(&|bin| {
            let limit = pass.inverse(upper(bin));
            let within = number_of(limit);
            if limit > 0.0 && lower(within) >= limit { within - 1 } else { within }.min(after(bin) - 1)
        });
        let plain = tally(&|bin| bin);
        self.add(&stable, &shifted, &lifted, &plain);
        self.add_means(sides);
    }

    /// Adds a route: stable's samples, and the canary's moved by the margin, by that of a pass, and not at all.
    /// What lies above each quantile is counted twice: at the threshold of a regression, then at that of a pass.
    fn add(&mut self, stable: &Tally, shifted: &Tally, lifted: &Tally, plain: &Tally) {
        self.samples.stable += stable.count;
        self.samples.canary += plain.count;
        if let Some(block) = rank_block(shifted, stable) {
            add(&mut self.rank, block.ln_factors());
            if let Some(moments) = block.moments() {
                self.beyond.0 += moments.excess;
                self.beyond.1 += moments.variance;
            }
        }
        if let Some(block) = rank_block(lifted, stable) {
            add(&mut self.rank_pass, block.reversed().ln_factors());
        }
        if let Some(moments) = rank_block(plain, stable).and_then(|block| block.moments()) {
            self.plain.0 += moments.excess;
            self.plain.1 += moments.variance;
            self.plain.2 += moments.weight;
        }
        let quantiles = self.quantiles.len();
        let counts = |canary: &Tally, at: usize| {
            exceedances((canary.above[at], canary.count), (stable.above[at], stable.count))
        };
        for at in 0..quantiles {
            if let Some(found) = counts(shifted, at) {
                add(&mut self.quantiles[at], found.ln_factors());
            }
            if let Some(found) = counts(lifted, quantiles + at) {
                add(&mut self.quantiles_pass[at], found.reversed().ln_factors());
            }
        }
    }

    /// Adds the means of a route, each weighted by the requests of both tracks, so that it does not matter how
    /// requests are spread over routes.
    fn add_means(&mut self, sides: &Sides<'_>) {
        let sums = sides.as_ref().map(|blocks| {
            let sums = blocks.iter().map(|bins| bins.total());
            sums.fold((0.0, 0.0), |(sum, count), (more, of)| (sum + more, count + of as f64))
        });
        let weight = sums.stable.1 + sums.canary.1;
        let mean = |(sum, count): (f64, f64)| (count > 0.0 && sum.is_finite()).then(|| sum / count);
        if let Some((stable, canary)) = sums.map(mean).both() {
            self.means.stable += weight * stable;
            self.means.canary += weight * canary;
        }
    }

    pub(super) fn finish(&mut self, margin: Shift) {
        let weight = (self.samples.stable + self.samples.canary) as f64;
        let PerTrack { stable, canary } = self.means.map(|sum| sum / weight);
        let difference = (canary / margin.limit(stable)).ln();
        self.mean = difference.is_finite().then_some(difference);
    }

    /// How far the canary lies above stable, in mean score; `None` where there was nothing to compare.
    pub(super) fn level(&self) -> Option<Level> {
        let (excess, variance, weight) = self.plain;
        let phi = self.overdispersion.first().map_or(1.0, |phi| phi.phi());
        if self.samples.stable == 0 || self.samples.canary == 0 {
            return None;
        }
        if weight <= 0.0 {
            // All samples are equal: as even as can be.
            return Some(Level { difference: 0.0, variance: Some(0.0) });
        }
        Some(Level { difference: excess / weight, variance: Some(phi * variance / weight.powi(2)) })
    }
}

/// The evidence so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SampleTests {
    rank: RankTest,
    quantiles: Vec<QuantileTest>,
    ranks: PairedT,
    means: PairedT,
    rank_pass: RankTest,
    quantiles_pass: Vec<QuantileTest>,
    pub(super) samples: PerTrack<u64>,
    pub(super) steps: u64,
    /// Sums over the steps that count, without a margin: excess, variance times φ, weight.
    pub(super) effect: [f64; 3],
    pub(super) margins: Option<Margins>,
    pub(super) constant: Constant,
    /// How the evidence of each gate grew of late, a step.
    growth: Vec<f64>,
}

impl SampleTests {
    /// Of so many quantiles.
    pub(super) fn new(quantiles: usize) -> Self {
        Self {
            rank: RankTest::default(),
            quantiles: vec![QuantileTest::default(); quantiles],
            ranks: PairedT::default(),
            means: PairedT::default(),
            rank_pass: RankTest::default(),
            quantiles_pass: vec![QuantileTest::default(); quantiles],
            samples: PerTrack::default(),
            steps: 0,
            effect: [0.0; 3],
            margins: None,
            constant: Constant::default(),
            growth: vec![0.0; 1 + quantiles],
        }
    }

    /// Takes a step that counts.
    pub(super) fn observe(&mut self, step: &SampleStep) {
        let before = self.pass_evidence();
        let phi = |at: usize| step.overdispersion.get(at).copied().unwrap_or(Overdispersion::NONE);
        self.rank.observe(phi(0), [step.rank]);
        self.rank_pass.observe(phi(0), [step.rank_pass]);
        let both = self.quantiles.iter_mut().zip(&mut self.quantiles_pass);
        let found = step.quantiles.iter().zip(&step.quantiles_pass);
        for (at, ((up, down), (beyond, within))) in both.zip(found).enumerate() {
            up.observe(phi(1 + at), [*beyond]);
            down.observe(phi(1 + at), [*within]);
        }
        let (excess, variance) = step.beyond;
        // What a series' test cannot take, it does without.
        if variance > 0.0 {
            let _ = self.ranks.observe(excess / variance.sqrt(), step.autocorrelation);
        }
        if let Some(mean) = step.mean {
            let _ = self.means.observe(mean, step.autocorrelation);
        }
        self.steps += 1;
        self.samples = self.samples.zip(step.samples).map(|(sum, own)| sum.saturating_add(own));
        let (excess, variance, weight) = step.plain;
        let [sum, of_variance, of_weight] = &mut self.effect;
        *sum += excess;
        *of_variance += phi(0).phi() * variance;
        *of_weight += weight;
        let after = self.pass_evidence();
        for ((growth, before), after) in self.growth.iter_mut().zip(before).zip(after) {
            *growth += RECENT * (after - before - *growth);
        }
    }

    /// Notes what was measured, whether it counts or not.
    pub(super) fn note(&mut self, sides: &Sides<'_>, one_sided: bool) {
        let mut all = sides.stable.iter().chain(&sides.canary).filter(|bins| !bins.is_empty());
        let first = all.next().and_then(|bins| bins.only_bin());
        let same = first.filter(|bin| all.all(|bins| bins.only_bin() == Some(*bin)));
        self.constant.note(!one_sided, same.map(u64::from));
    }

    /// The evidence of a regression, by test; the weights are those of [`WEIGHTS`].
    pub(super) fn weighted(&self) -> Vec<WeightedTest> {
        let [rank, ranks, means, quantiles] = WEIGHTS;
        let rank = if self.quantiles.is_empty() { rank + quantiles } else { rank };
        let mut tests = vec![
            WeightedTest::new("rank", rank, self.rank.ln_e()),
            WeightedTest::new("paired t of ranks", ranks, self.ranks.ln_e()),
            WeightedTest::new("paired t of means", means, self.means.ln_e()),
        ];
        let each = quantiles / self.quantiles.len().max(1) as f64;
        tests.extend(self.quantiles.iter().map(|test| WeightedTest::new("quantile", each, test.ln_e())));
        tests
    }

    /// ln E of each gate of a pass: the whole distribution, then each quantile.
    fn pass_evidence(&self) -> Vec<f64> {
        let quantiles = self.quantiles_pass.iter().map(QuantileTest::ln_e);
        std::iter::once(self.rank_pass.ln_e()).chain(quantiles).collect()
    }

    /// The gate that a pass waits for longest: its evidence, and how it grows a step. `None` where it waits for
    /// none.
    pub(super) fn last_gate(&self, rule: &MeasurementsRule) -> Option<(String, f64, f64)> {
        let gates = std::iter::once(("the whole distribution".to_owned(), rule.gate))
            .chain(rule.quantiles.iter().map(|quantile| (quantile.percentile.to_string(), quantile.gate)));
        let evidence = self.pass_evidence().into_iter().zip(&self.growth);
        let waited = gates.zip(evidence).filter(|((_, gate), _)| *gate == Gate::Both);
        let last = waited.min_by(|(_, (a, _)), (_, (b, _))| a.total_cmp(b));
        last.map(|((name, _), (ln_e, growth))| (name, ln_e, *growth))
    }
}

/// The shares of ranks in blocks, of the ranks' series, of the means' series and of all quantiles together.
const WEIGHTS: [f64; 4] = [0.3, 0.25, 0.1, 0.35];
/// The share of a step in what is called recent.
const RECENT: f64 = 0.2;

fn add<const N: usize>(sums: &mut [f64; N], factors: [f64; N]) {
    for (sum, factor) in sums.iter_mut().zip(factors) {
        *sum += factor;
    }
}

/// A minute's exceedances of a threshold; those that make no sense are none.
fn exceedances(canary: (u64, u64), stable: (u64, u64)) -> Option<Exceedances> {
    Exceedances::new(canary, stable).ok()
}

/// A minute's scores.
fn rank_block(canary: &Tally, stable: &Tally) -> Option<RankBlock> {
    RankBlock::new(scored(canary, stable)).ok()
}
