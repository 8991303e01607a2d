//! Does the canary fail less often than is tolerated? A sequential test of a rate against a fixed one: it may be
//! looked at after every block, for as long as one likes.
//!
//! With k failures of n requests in a block, and a tolerated rate r, the factor for the alternative that the rate
//! is u·r, u below 1, is that of Poisson counts,
//!
//! ```text
//! E(u) = u^k exp(r n (1 − u))
//! ```
//!
//! Factors multiply over blocks, and the products are averaged over the [`SHARES`].
//!
//! # Validity
//! Where failures are Poisson, or binomial (given the past, exp(−r n (1 − u)) is the larger of both generating
//! functions), with a rate of r or more, E exceeds 1/α at any time with a probability of at most α (Ville).
//! Failures that come in bursts need an overdispersion, as in [`counts`](super::counts). With no failure at all
//! E grows with the requests: 20 takes about 3.6 of the requests that one tolerated failure comes in.
//!
//! # Source
//! Likelihood ratios as test martingales: Wald (1945), Ville (1939).

use serde::{Deserialize, Serialize};

use super::e_process::{EProcess, Overdispersion};

/// The alternatives u: which share of the tolerated rate the canary fails at.
pub const SHARES: [f64; 6] = [0.02, 0.1, 0.2, 0.35, 0.5, 0.7];

/// The evidence so far that the canary's rate lies below the tolerated one.
///
/// ```
/// use nprt_compare::statistics::Overdispersion;
/// use nprt_compare::statistics::tolerance::ToleranceTest;
///
/// let mut test = ToleranceTest::new(0.001);
/// for _ in 0..30 {
///     // One minute: none of 150 requests failed.
///     test.observe(Overdispersion::NONE, (0, 150));
/// }
/// assert!(test.ln_e() > 20.0_f64.ln(), "a pass at 5 %");
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToleranceTest {
    rate: f64,
    process: EProcess,
}

impl ToleranceTest {
    /// Of this tolerated rate, failures a request.
    #[must_use]
    pub fn new(rate: f64) -> Self {
        Self { rate, process: EProcess::new(SHARES.len()) }
    }

    /// Adds a block: how many failed, and of how many. One call multiplies the evidence by at most 5.
    pub fn observe(&mut self, overdispersion: Overdispersion, (failed, requests): (u64, u64)) {
        let expected = self.rate * requests as f64;
        let factors = SHARES.map(|share| failed as f64 * share.ln() + expected * (1.0 - share));
        self.process.multiply(overdispersion, [factors]);
    }

    /// The logarithm of the evidence; at ln(1/α) or more, at any time, the rate is lower.
    #[must_use]
    pub fn ln_e(&self) -> f64 {
        self.process.ln_e()
    }
}
