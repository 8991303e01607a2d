//! Is a quantile on the canary higher than on stable plus a margin? The blocked conditional e-process.
//!
//! In each block, a short time (a minute) and one route, all samples are cut at a threshold: x for stable,
//! x plus the margin for the canary, where x is stable's running quantile **from earlier blocks**. Given how
//! many samples of the block lie above on both tracks together, chance alone decides how many of them are
//! the canary's: the hypergeometric law, whatever the level of the block. The factor for the alternative
//! that the odds of lying above are ψ times stable's is
//!
//! ```text
//! E(ψ) = ψ^k_c / Σ_j Hyp(j; N, K, n_c) ψ^j
//! ```
//!
//! with k of n samples above on each track, K = k_c + k_s, N = n_c + n_s. Factors multiply over blocks, and
//! the products are averaged over the alternatives [`ODDS`].
//!
//! # Validity
//! If inside each block samples are exchangeable between the tracks at that threshold, or the canary's lie
//! above less often, the evidence is at most 1 on average at any time, whatever the drift from block to
//! block and whatever the threshold and margin of a block were chosen from, as long as it is from earlier
//! blocks. It is exact at any size; no approximation enters. Samples that hang together (pods, sessions)
//! break exchangeability: that is what φ is for, calibrated on stable's own pods; it can do nothing about a
//! pod that is slower throughout, which belongs into the margin.
//!
//! # Sources
//! Conditional e-values of 2×2 tables: Turner, Ly and Grünwald (2024); Fisher's noncentral hypergeometric
//! law (1935); quantiles watched over time: Howard and Ramdas, Bernoulli (2022).

use nprt_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::e_process::{EProcess, Overdispersion, invalid};

/// The alternatives ψ: the canary's odds of lying above the threshold over stable's.
pub const ODDS: [f64; 8] = [1.1, 1.2, 1.35, 1.6, 2.0, 3.0, 5.0, 10.0];

/// Above so many terms the sum gives way to its closed bound, which costs a little evidence.
const MOST_TERMS: u64 = 1 << 20;

/// How many samples of one block lie above the threshold on each track.
///
/// ```
/// use nprt_compare::statistics::quantile::Exceedances;
///
/// // 5 of 20 on the canary, 3 of 60 on stable.
/// let block = Exceedances::new((5, 20), (3, 60))?;
/// assert!(block.ln_factors().iter().any(|&ln_factor| ln_factor > 1.0));
/// // The other direction: is stable above the canary?
/// assert!(block.reversed().ln_factors().iter().all(|&ln_factor| ln_factor < 0.0));
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceedances {
    canary: (u64, u64),
    stable: (u64, u64),
}

impl Exceedances {
    /// Of each track, how many samples lie above the threshold and how many there are.
    ///
    /// # Errors
    /// `Invalid`, naming the track, when more lie above than there are, or there are more than 2^53.
    pub fn new(canary: (u64, u64), stable: (u64, u64)) -> Result<Self> {
        for (track, (above, samples)) in [("canary", canary), ("stable", stable)] {
            if above > samples || samples > 1 << 53 {
                let error = invalid("expected at most as many samples above as there are, and at most 2^53");
                return Err(error.with("track", track).with("above", above).with("samples", samples));
            }
        }
        Ok(Self { canary, stable })
    }

    /// With the tracks exchanged, for the evidence that the canary is *lower*: what a pass rests on.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { canary: self.stable, stable: self.canary }
    }

    /// ln E(ψ) for each ψ of [`ODDS`]. A block that cannot tell gives 0: no samples on a track, none above,
    /// or all above.
    #[must_use]
    pub fn ln_factors(self) -> [f64; ODDS.len()] {
        let ln_pgf = self.ln_pgf();
        std::array::from_fn(|i| ODDS[i].ln() * self.canary.0 as f64 - ln_pgf[i])
    }

    /// ln Σ_j Hyp(j; N, K, n_c) ψ^j for each ψ.
    fn ln_pgf(self) -> [f64; ODDS.len()] {
        let above = self.canary.0 + self.stable.0;
        let below = self.canary.1 + self.stable.1 - above;
        let canary = self.canary.1;
        let (least, most) = (canary.saturating_sub(below), canary.min(above));
        if most - least > MOST_TERMS {
            return self.ln_pgf_bound();
        }
        // Each term relative to the first; ψ = 1 beside the others is what the probabilities sum to. The
        // sums are rescaled before they overflow. A term's share of its sum grows with ψ: that of the
        // largest ψ says when all others may be rescaled and when all may stop.
        let mut terms = [1.0; ODDS.len() + 1];
        let mut sums = terms;
        let mut ln_scales = [0.0; ODDS.len() + 1];
        for j in least..most {
            let ratio =
                (above - j) as f64 * (canary - j) as f64 / ((j + 1) as f64 * (below + j + 1 - canary) as f64);
            for ((term, sum), psi) in terms.iter_mut().zip(&mut sums).zip(PSIS) {
                *term *= ratio * psi;
                *sum += *term;
            }
            if sums[ODDS.len()] > 1e200 {
                for ((term, sum), scale) in terms.iter_mut().zip(&mut sums).zip(&mut ln_scales) {
                    *scale += sum.ln();
                    *term /= *sum;
                    *sum = 1.0;
                }
            }
            // Ratios fall: the rest is at most a geometric series.
            let shrinks = 1.0 - ratio * PSIS[ODDS.len()];
            if terms[ODDS.len()] < 1e-18 * shrinks * sums[ODDS.len()] {
                break;
            }
        }
        let ln_total = ln_scales[0] + sums[0].ln();
        std::array::from_fn(|i| ln_scales[i + 1] + sums[i + 1].ln() - ln_total + least as f64 * ODDS[i].ln())
    }

    /// A closed upper bound of the same: drawing with replacement spreads more (Hoeffding, 1963), and so
    /// does exchanging what is drawn and what is marked.
    fn ln_pgf_bound(self) -> [f64; ODDS.len()] {
        let (above, canary) = ((self.canary.0 + self.stable.0) as f64, self.canary.1 as f64);
        let all = canary + self.stable.1 as f64;
        ODDS.map(|psi| {
            let drawn = |times: f64, share: f64| times * (share * (psi - 1.0)).ln_1p();
            drawn(above, canary / all).min(drawn(canary, above / all))
        })
    }
}

/// ψ = 1, then [`ODDS`].
const PSIS: [f64; ODDS.len() + 1] = {
    let mut psis = [1.0; ODDS.len() + 1];
    let mut i = 0;
    while i < ODDS.len() {
        psis[i + 1] = ODDS[i];
        i += 1;
    }
    psis
};

/// The evidence so far that the canary's quantile is higher. Small, and serialisable: written and read back
/// between any two steps it goes on as if nothing had happened.
///
/// ```
/// use nprt_compare::statistics::Overdispersion;
/// use nprt_compare::statistics::quantile::{Exceedances, QuantileTest};
///
/// let mut p95 = QuantileTest::default();
/// for _ in 0..10 {
///     // One minute: 3 of 20 above what 1 of 20 lie above on stable.
///     p95.observe(Overdispersion::NONE, [Exceedances::new((3, 20), (3, 60))?.ln_factors()]);
/// }
/// assert!(p95.ln_e() > 100.0_f64.ln(), "a regression at α = 0.01");
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "EProcess")]
pub struct QuantileTest(EProcess);

impl QuantileTest {
    /// Adds what was measured at one time, the [factors](Exceedances::ln_factors) of one block a route, each
    /// divided by the overdispersion. However strong, one call multiplies the evidence by at most 5. Blocks
    /// of one time belong into one call: a burst hits all routes at once.
    pub fn observe(
        &mut self,
        overdispersion: Overdispersion,
        routes: impl IntoIterator<Item = [f64; ODDS.len()]>,
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
impl Default for QuantileTest {
    fn default() -> Self {
        Self(EProcess::new(ODDS.len()))
    }
}

impl TryFrom<EProcess> for QuantileTest {
    type Error = Error;

    fn try_from(process: EProcess) -> Result<Self> {
        process.expect_alternatives(ODDS.len()).map(Self)
    }
}
