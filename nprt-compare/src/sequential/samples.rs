//! The tests of samples: ranks and quantiles in blocks, and the ranks' and means' series.

use serde::{Deserialize, Serialize};

use super::calibration::{Calibration, Shift};
use super::constant::Constant;
use super::measurements::{Sides, exceedances, rank_block};
use super::part::Part;
use super::past::Tally;
use super::warm_up::Level;
use crate::policy::{Gate, MeasurementsRule};
use crate::statistics::Overdispersion;
use crate::statistics::paired_t::PairedT;
use crate::statistics::quantile::{ODDS, QuantileTest};
use crate::statistics::rank::{LAMBDAS, RankTest};

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
    means: [f64; 2],
    /// How much the means' logarithms differ beyond the margin.
    mean: Option<f64>,
    samples: [u64; 2],
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
            means: [0.0; 2],
            mean: None,
            samples: [0; 2],
            overdispersion: calibration.overdispersion.clone(),
            autocorrelation: calibration.autocorrelation,
        }
    }

    /// Adds a route: stable's samples, and the canary's moved by the margin, by that of a pass, and not at all.
    /// What lies above each quantile is counted twice: at the threshold of a regression, then at that of a pass.
    pub(super) fn add(&mut self, stable: &Tally, shifted: &Tally, lifted: &Tally, plain: &Tally) {
        self.samples[0] += stable.count;
        self.samples[1] += plain.count;
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
    pub(super) fn add_means(&mut self, sides: &Sides<'_>) {
        let [stable, canary] = [&sides.stable, &sides.canary].map(|blocks| {
            let sums = blocks.iter().map(|bins| bins.total());
            sums.fold((0.0, 0.0), |(sum, count), (more, of)| (sum + more, count + of as f64))
        });
        let weight = stable.1 + canary.1;
        let mean = |(sum, count): (f64, f64)| (count > 0.0 && sum.is_finite()).then(|| sum / count);
        if let Some((stable, canary)) = mean(stable).zip(mean(canary)) {
            self.means[0] += weight * stable;
            self.means[1] += weight * canary;
        }
    }

    pub(super) fn finish(&mut self, margin: Shift) {
        let weight = self.samples.iter().sum::<u64>() as f64;
        let [stable, canary] = self.means.map(|sum| sum / weight);
        let difference = (canary / margin.limit(stable)).ln();
        self.mean = difference.is_finite().then_some(difference);
    }

    /// How far the canary lies above stable, in mean score; `None` where there was nothing to compare.
    pub(super) fn level(&self) -> Option<Level> {
        let (excess, variance, weight) = self.plain;
        let phi = self.overdispersion.first().map_or(1.0, |phi| phi.phi());
        if self.samples.contains(&0) {
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
    pub(super) samples: [u64; 2],
    pub(super) steps: u64,
    /// Sums over the steps that count, without a margin: excess, variance times φ, weight.
    pub(super) effect: [f64; 3],
    pub(super) margins: Option<Margins>,
    pub(super) constant: Constant,
    /// How the evidence of each gate grew of late, a step.
    growth: Vec<f64>,
}

/// The margins of the last minute.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Margins {
    regression: Shift,
    pass: Shift,
}

impl SampleTests {
    pub(super) fn new(rule: &MeasurementsRule) -> Self {
        Self {
            rank: RankTest::default(),
            quantiles: vec![QuantileTest::default(); rule.quantiles.len()],
            ranks: PairedT::default(),
            means: PairedT::default(),
            rank_pass: RankTest::default(),
            quantiles_pass: vec![QuantileTest::default(); rule.quantiles.len()],
            samples: [0; 2],
            steps: 0,
            effect: [0.0; 3],
            margins: None,
            constant: Constant::default(),
            growth: vec![0.0; 1 + rule.quantiles.len()],
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
        for (sum, own) in self.samples.iter_mut().zip(step.samples) {
            *sum = sum.saturating_add(own);
        }
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
    pub(super) fn seen(&mut self, sides: &Sides<'_>, one_sided: bool) {
        let mut all = sides.stable.iter().chain(&sides.canary).filter(|bins| !bins.is_empty());
        let first = all.next().and_then(|bins| bins.only_bin());
        let same = first.filter(|bin| all.all(|bins| bins.only_bin() == Some(*bin)));
        self.constant.note(!one_sided, same.map(u64::from));
    }

    pub(super) fn margins(&mut self, regression: Shift, pass: Shift) {
        self.margins = Some(Margins::new(regression, pass));
    }

    /// The evidence of a regression, by test; the weights are those of [`WEIGHTS`].
    pub(super) fn parts(&self) -> Vec<Part> {
        let [rank, ranks, means, quantiles] = WEIGHTS;
        let rank = if self.quantiles.is_empty() { rank + quantiles } else { rank };
        let mut parts = vec![
            Part::new("rank", rank, self.rank.ln_e()),
            Part::new("paired t of ranks", ranks, self.ranks.ln_e()),
            Part::new("paired t of means", means, self.means.ln_e()),
        ];
        let each = quantiles / self.quantiles.len().max(1) as f64;
        parts.extend(self.quantiles.iter().map(|test| Part::new("quantile", each, test.ln_e())));
        parts
    }

    /// ln E of each gate of a pass: the whole distribution, then each quantile.
    pub(super) fn pass_evidence(&self) -> Vec<f64> {
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

impl Margins {
    pub(super) fn new(regression: Shift, pass: Shift) -> Self {
        Self { regression, pass }
    }

    pub(super) fn regression(&self) -> Shift {
        self.regression
    }

    pub(super) fn pass(&self) -> Shift {
        self.pass
    }
}

fn add<const N: usize>(sums: &mut [f64; N], factors: [f64; N]) {
    for (sum, factor) in sums.iter_mut().zip(factors) {
        *sum += factor;
    }
}
