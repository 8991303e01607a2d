//! Is the canary's whole distribution higher than stable's plus a margin? The blocked rank e-process.
//!
//! Each sample of a block gets a score: its mid-rank among stable's samples of **earlier blocks**, in 0 to 1
//! ([`mid_ranks`]); the canary's samples are first shifted down by the margin. Given the scores of a block,
//! chance alone decides which of them are the canary's: a draw without replacement. For λ > 0 the factor is
//!
//! ```text
//! E(λ) = exp(λ Σ_canary s) / M(λ),   M(λ) = the average of exp(λ Σ s) over all draws of n_c of the N scores
//! ```
//!
//! Factors multiply over blocks, and the products are averaged over the grid [`LAMBDAS`].
//!
//! # Validity
//! As for the quantile ([`super::quantile`]): at most 1 on average at any time if inside each block the
//! scores are exchangeable between the tracks, or the canary's are lower, whatever the drift between blocks.
//! M has no closed form at a useful cost. It is bounded by drawing with replacement (Hoeffding, 1963), which
//! is rigorous, and estimated by the saddlepoint of the draw, far sharper in large blocks. The saddlepoint
//! alone is up to λ²·range²/(16 N) too low (the worst of 25,000 random small blocks beside the exact average;
//! never too high), so λ²·range²/(12 N) is added to it, and the lower of bound and estimate holds. With that
//! no λ of the grid has to be left out where the canary is large beside stable.
//!
//! # Sources
//! Permutation saddlepoints: Robinson (1982), Daniels (1958); e-processes by blocks as in
//! [`super::quantile`].

use nprt_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::e_process::{EProcess, Overdispersion, invalid};

/// The alternatives λ: how steeply the odds of being the canary's grow with the score.
pub const LAMBDAS: [f64; 6] = [0.05, 0.1, 0.2, 0.4, 0.7, 1.2];

/// How many samples of a block have one score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// The mid-rank among stable's earlier samples, 0 to 1.
    pub score: f64,
    /// Samples of the canary.
    pub canary: u64,
    /// Samples of stable.
    pub stable: u64,
}

/// The score of each bin: the share of earlier samples below it plus half the share in it. All 0 while there
/// are no earlier samples: then no score tells anything.
///
/// ```
/// use nprt_compare::statistics::rank::mid_ranks;
/// assert_eq!(mid_ranks(&[2, 0, 4, 2]), [0.125, 0.25, 0.5, 0.875]);
/// ```
#[must_use]
pub fn mid_ranks(earlier: &[u64]) -> Vec<f64> {
    let total = earlier.iter().map(|&count| count as f64).sum::<f64>().max(1.0);
    let mut below = 0.0;
    let score = |&count: &u64| {
        let score = (below + 0.5 * count as f64) / total;
        below += count as f64;
        score
    };
    earlier.iter().map(score).collect()
}

/// The first two moments of the canary's sum of scores in one block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// The canary's sum of scores less its expectation.
    pub excess: f64,
    /// The variance of it in the draw.
    pub variance: f64,
    /// n_c n_s / N: the excess over this is the difference of the tracks' mean scores.
    pub weight: f64,
}

/// The scores of one block, with what the factors need of them.
///
/// ```
/// use nprt_compare::statistics::rank::{RankBlock, Scored};
///
/// let block = RankBlock::new(vec![
///     Scored { score: 0.2, canary: 2, stable: 40 },
///     Scored { score: 0.9, canary: 18, stable: 20 },
/// ])?;
/// assert!(block.ln_factors()[5] > 2.0);
/// assert!(block.reversed().ln_factors()[5] < -2.0);
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RankBlock {
    scores: Vec<Scored>,
    canary: f64,
    all: f64,
    mean: f64,
    /// From the lowest to the highest score.
    range: f64,
    /// Σ (score − mean) over the canary's samples.
    excess: f64,
}

impl RankBlock {
    /// A block of these scores, in any order.
    ///
    /// # Errors
    /// `Invalid` for a score that is not in 0 to 1.
    pub fn new(mut scores: Vec<Scored>) -> Result<Self> {
        if let Some(bad) = scores.iter().find(|scored| !(0.0..=1.0).contains(&scored.score)) {
            return Err(invalid("expected scores from 0 to 1").with("score", bad.score));
        }
        scores.retain(|scored| scored.canary > 0 || scored.stable > 0);
        // Sorted, so that the order they came in does not change the last bit.
        scores.sort_by(|a, b| a.score.total_cmp(&b.score));
        let sum = |of: fn(&Scored) -> f64| scores.iter().map(of).sum::<f64>();
        let canary = sum(|scored| scored.canary as f64);
        let all = sum(Scored::weight);
        let mean = if all > 0.0 { sum(|scored| scored.weight() * scored.score) / all } else { 0.0 };
        let excess = scores.iter().map(|scored| scored.canary as f64 * (scored.score - mean)).sum();
        let range = scores.first().zip(scores.last()).map_or(0.0, |(low, high)| high.score - low.score);
        Ok(Self { scores, canary, all, mean, range, excess })
    }

    /// With the scores mirrored, for the evidence that the canary is *lower*: what a pass rests on.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let mut block = self.clone();
        block.scores.reverse();
        for scored in &mut block.scores {
            scored.score = 1.0 - scored.score;
        }
        Self { mean: 1.0 - self.mean, excess: -self.excess, ..block }
    }

    /// How far the canary's sum of scores lies above its expectation, and the variance of that in the draw,
    /// above 0: what tests on means need of a block. Those of several routes add up. `None` when the block
    /// cannot tell.
    #[must_use]
    pub fn moments(&self) -> Option<Moments> {
        let squares: f64 = self.scores.iter().map(|s| s.weight() * (s.score - self.mean).powi(2)).sum();
        let share = self.canary / self.all;
        let variance = squares * share * (1.0 - share) * self.all / (self.all - 1.0);
        let weight = self.canary * (1.0 - share);
        (self.tells() && variance > 0.0).then_some(Moments { excess: self.excess, variance, weight })
    }

    /// ln E(λ) for each λ of [`LAMBDAS`]. A block that cannot tell gives 0: no samples on a track, or all of
    /// one score.
    #[must_use]
    pub fn ln_factors(&self) -> [f64; LAMBDAS.len()] {
        if !self.tells() {
            return [0.0; LAMBDAS.len()];
        }
        let mut powers = Vec::with_capacity(self.scores.len());
        LAMBDAS.map(|lambda| {
            powers.clear();
            powers.extend(self.scores.iter().map(|s| (s.weight(), (lambda * (s.score - self.mean)).exp())));
            let correction = (lambda * self.range).powi(2) / (12.0 * self.all);
            let estimate = self.saddlepoint(&powers, lambda) + correction;
            lambda * self.excess - estimate.min(self.bound(&powers))
        })
    }

    fn tells(&self) -> bool {
        self.canary > 0.0 && self.canary < self.all && self.range > 0.0
    }

    /// The upper bound of ln M, of scores less their mean: with replacement the canary's draws are
    /// independent; or stable's, who gets what the canary does not.
    fn bound(&self, powers: &[(f64, f64)]) -> f64 {
        let mean = |power: fn(f64) -> f64| {
            powers.iter().map(|&(weight, x)| weight * power(x)).sum::<f64>() / self.all
        };
        (self.canary * mean(|x| x).ln()).min((self.all - self.canary) * mean(f64::recip).ln())
    }

    /// The saddlepoint estimate of the same. Each sample is the canary's with odds o·x, x = exp(λ(s − mean)),
    /// where o makes n_c of them expected; given that there are n_c, it is the draw.
    fn saddlepoint(&self, powers: &[(f64, f64)], lambda: f64) -> f64 {
        let share = self.canary / self.all;
        let plain = share / (1.0 - share);
        let spread = |shift: f64| {
            let odds = plain * shift.exp();
            powers.iter().fold((0.0, 0.0), |(expected, variance), &(weight, x)| {
                let rest = 1.0 / (1.0 + odds * x);
                let own = odds * x * rest;
                (expected + weight * own, variance + weight * own * rest)
            })
        };
        // Newton's method. All odds lie within the range of the powers, hence so does the shift.
        let widest = lambda * self.range;
        let mut shift = 0.0_f64;
        let mut variance = 0.0;
        for _ in 0..30 {
            let expected;
            (expected, variance) = spread(shift);
            let step = (expected - self.canary) / variance;
            shift = (shift - step).clamp(-widest, widest);
            if step.abs() < 1e-9 {
                break;
            }
        }
        let odds = share * shift.exp();
        let logs: f64 = powers.iter().map(|&(weight, x)| weight * (odds * x - share).ln_1p()).sum();
        logs - self.canary * shift - 0.5 * (variance / (self.all * share * (1.0 - share))).ln()
    }
}

impl Scored {
    fn weight(&self) -> f64 {
        self.canary as f64 + self.stable as f64
    }
}

/// The evidence so far that the canary's distribution is higher. Small, and serialisable: written and read
/// back between any two steps it goes on as if nothing had happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "EProcess")]
pub struct RankTest(EProcess);

impl RankTest {
    /// Adds what was measured at one time, the [factors](RankBlock::ln_factors) of one block a route, each
    /// divided by the overdispersion. However strong, one call multiplies the evidence by at most 5.
    pub fn observe(
        &mut self,
        overdispersion: Overdispersion,
        routes: impl IntoIterator<Item = [f64; LAMBDAS.len()]>,
    ) {
        self.0.multiply(overdispersion, routes);
    }

    /// The logarithm of the evidence; at ln(1/α) or more, at any time, the canary is higher.
    #[must_use]
    pub fn ln_e(&self) -> f64 {
        self.0.ln_e()
    }
}

/// No evidence yet.
impl Default for RankTest {
    fn default() -> Self {
        Self(EProcess::new(LAMBDAS.len()))
    }
}

impl TryFrom<EProcess> for RankTest {
    type Error = Error;

    fn try_from(process: EProcess) -> Result<Self> {
        process.expect_alternatives(LAMBDAS.len()).map(Self)
    }
}
