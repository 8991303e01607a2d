//! Does the canary fail more often than stable? A sequential test of errors per request: it may be looked at
//! after every block, for as long as one likes.
//!
//! In a block with k errors, each of them is the canary's with probability Θ(u) = u n_c / (u n_c + n_s) where
//! the canary's error rate is u times stable's. The factor for the alternative that it is ψ₀ψ times stable's,
//! and not only the ψ₀ times that the margin allows, is
//!
//! ```text
//! E(ψ) = (Θ(ψ₀ψ)/Θ(ψ₀))^k_c ((1 − Θ(ψ₀ψ))/(1 − Θ(ψ₀)))^k_s
//! ```
//!
//! Factors multiply over blocks, and the products are averaged over the ratios [`RATIOS`].
//!
//! # Validity
//! Where the canary's error rate is at most ψ₀ times stable's in every block, E exceeds 1/α at any time with
//! a probability of at most α (Ville), whatever drift or incident moves both rates together. It assumes
//! that errors happen one by one, as in a Poisson process. Errors in bursts do not: each block's evidence
//! is the root of order φ, their overdispersion: the variance of k_c given k_c + k_s over the one that single
//! errors have, measured on stable's own pods. A step multiplies each ψ's evidence by at most 8, so that a
//! single burst never decides. With no errors at all E stays at 1.
//!
//! # Source
//! Lindon and Malek, "Anytime-valid inference for multinomial count data", NeurIPS (2022); here one-sided and
//! with a margin.

use nprt_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::e_process::{EProcess, Overdispersion, invalid};

/// The ratios ψ beyond the margin that share the bet: an octave apart, since what lies between is found hardly later,
/// and each more makes all of them wait.
pub const RATIOS: [f64; 4] = [1.5, 3.0, 6.0, 12.0];
/// The most that one step may multiply the evidence by. More than for measurements, since where failures are rare two
/// of them in a minute are worth as much; at α = 0.01 it still takes three steps.
const CAP: f64 = 8.0;

/// Requests and errors of one block: both tracks over the same minute (and route).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Errors {
    canary: (u64, u64),
    stable: (u64, u64),
}

impl Errors {
    /// Of each track, how many requests failed and how many there were, failed ones included.
    ///
    /// # Errors
    /// `Invalid`, naming the track, when more failed than there were.
    pub fn new(canary: (u64, u64), stable: (u64, u64)) -> Result<Self> {
        for (track, (errors, requests)) in [("stable", stable), ("canary", canary)] {
            if errors > requests {
                return Err(invalid("more errors than requests")
                    .with("track", track)
                    .with("errors", errors)
                    .with("requests", requests));
            }
        }
        Ok(Self { canary, stable })
    }

    /// With the tracks exchanged, for the evidence that the canary fails *less* often.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { canary: self.stable, stable: self.canary }
    }

    /// ln E(ψ) for each ψ of [`RATIOS`]. A block without errors, or with requests on one track only, gives 0.
    #[must_use]
    pub fn ln_factors(self, margin: Ratio) -> [f64; RATIOS.len()] {
        if self.stable.1 == 0 || self.canary.1 == 0 {
            return [0.0; RATIOS.len()];
        }
        // Odds, not shares: Θ = odds/(1 + odds), and nothing cancels where Θ is nearly 1.
        let odds = margin.0 * (self.canary.1 as f64 / self.stable.1 as f64);
        let (on_canary, on_stable) = (self.canary.0 as f64, self.stable.0 as f64);
        RATIOS.map(|ratio| {
            let ln_stable = -(odds * (ratio - 1.0) / (1.0 + odds)).ln_1p();
            on_canary * (ratio.ln() + ln_stable) + on_stable * ln_stable
        })
    }
}

/// How many times stable's error rate is tolerated: the margin ψ₀.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Ratio(f64);

impl Ratio {
    /// A quarter more errors than stable.
    pub const QUARTER_MORE: Self = Self(1.25);
    /// Half as many errors again as stable.
    pub const HALF_MORE: Self = Self(1.5);

    /// # Errors
    /// `Invalid` outside 1e-100 to 1e100: within, no product of margin, ratio and counts leaves the range of
    /// numbers.
    pub fn new(ratio: f64) -> Result<Self> {
        if (1e-100..=1e100).contains(&ratio) {
            Ok(Self(ratio))
        } else {
            Err(invalid("expected a ratio of error rates from 1e-100 to 1e100").with("ratio", ratio))
        }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Ratio {
    type Error = Error;

    fn try_from(ratio: f64) -> Result<Self> {
        Self::new(ratio)
    }
}

impl From<Ratio> for f64 {
    fn from(ratio: Ratio) -> Self {
        ratio.0
    }
}

/// The evidence so far that the canary fails more often than the margin allows. To ask whether it fails less
/// often, give it [reversed](Errors::reversed) blocks.
///
/// ```
/// use nprt_compare::statistics::Overdispersion;
/// use nprt_compare::statistics::counts::{CountsTest, Errors, Ratio};
///
/// let mut test = CountsTest::default();
/// for _ in 0..10 {
///     // One minute: 4 of 150 requests failed on the canary, 1 of 450 on stable.
///     let block = Errors::new((4, 150), (1, 450))?;
///     test.observe(Overdispersion::NONE, [block.ln_factors(Ratio::QUARTER_MORE)]);
/// }
/// assert!(test.ln_e() > 100.0_f64.ln());
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "EProcess")]
pub struct CountsTest(EProcess);

impl CountsTest {
    /// Adds what was counted at one time, the [factors](Errors::ln_factors) of one block a route, each
    /// divided by the overdispersion. However strong, one call multiplies the evidence by at most 8.
    pub fn observe(
        &mut self,
        overdispersion: Overdispersion,
        routes: impl IntoIterator<Item = [f64; RATIOS.len()]>,
    ) {
        self.0.multiply_by_at_most(CAP, overdispersion, routes);
    }

    /// ln E: the evidence that the canary fails more than the margin allows. Above ln(1/α) it is shown.
    #[must_use]
    pub fn ln_e(&self) -> f64 {
        self.0.ln_e()
    }
}

/// No evidence yet.
impl Default for CountsTest {
    fn default() -> Self {
        Self(EProcess::new(RATIOS.len()))
    }
}

impl TryFrom<EProcess> for CountsTest {
    type Error = Error;

    fn try_from(process: EProcess) -> Result<Self> {
        process.expect_alternatives(RATIOS.len()).map(Self)
    }
}
