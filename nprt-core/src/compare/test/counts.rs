//! Errors per request, beyond a margin.

use serde::{Deserialize, Serialize};

use super::e_process::{EProcess, invalid};
use crate::{Error, Result};

/// Does the canary fail more often than stable? A sequential test of errors per request: it may be looked
/// at after every block, for as long as one likes.
///
/// # How
/// In a block with k errors, each of them is the canary's with probability Θ(u) = u n_c / (u n_c + n_s)
/// where the canary's error rate is u times stable's. E = mean over ψ of
/// Π (Θ(ψ₀ψ)/Θ(ψ₀))^k_c ((1 − Θ(ψ₀ψ))/(1 − Θ(ψ₀)))^k_s: how much better the errors are explained by a
/// rate ψ₀ψ times stable's than by ψ₀ times, for ψ in [`Counts::RATIOS`]. Lindon and Malek, "Anytime-valid
/// inference for multinomial count data" (2022), one-sided and with a margin.
///
/// # Validity
/// Where the canary's error rate is at most ψ₀ times stable's in every block, E exceeds 1/α at any time with
/// a probability of at most α (Ville), whatever drift or incident moves both rates together. It assumes
/// that errors happen one by one, as in a Poisson process. Errors in bursts do not: each block's evidence
/// is the root of order φ, their overdispersion: the variance of k_c given k_c + k_s over the one that single
/// errors have, measured on stable's own pods. A block multiplies each ψ's evidence by at most 5, so that a
/// single burst never decides. With no errors at all E stays at 1.
///
/// ```
/// use nprt_core::compare::test::counts::{Counts, Errors};
///
/// let mut test = Counts::new(Counts::MARGIN, 1.0)?;
/// for _ in 0..10 {
///     test.observe(Errors { stable_requests: 450, stable_errors: 1, canary_requests: 150, canary_errors: 4 })?;
/// }
/// assert!(test.ln_e() > 100.0_f64.ln());
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "State")]
pub struct Counts {
    margin: f64,
    evidence: EProcess,
}

/// As it was written, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    margin: f64,
    evidence: EProcess,
}

impl TryFrom<State> for Counts {
    type Error = Error;

    fn try_from(State { margin, evidence }: State) -> Result<Self> {
        // Within these bounds no product of margin, ratio and counts leaves the range of numbers.
        if !(1e-100..=1e100).contains(&margin) {
            return Err(
                invalid("expected a ratio of error rates from 1e-100 to 1e100").with("margin", margin)
            );
        }
        Ok(Self { margin, evidence: evidence.expect_alternatives(Self::RATIOS.len())? })
    }
}

/// Requests and errors of one block: both tracks over the same minute (and route).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Errors {
    /// Requests on stable, failed ones included.
    pub stable_requests: u64,
    /// Failed requests on stable.
    pub stable_errors: u64,
    /// Requests on the canary, failed ones included.
    pub canary_requests: u64,
    /// Failed requests on the canary.
    pub canary_errors: u64,
}

impl Counts {
    /// ψ₀ unless one declares another: a quarter more errors than stable is tolerated.
    pub const MARGIN: f64 = 1.25;

    /// The ratios ψ beyond the margin that share the bet.
    pub const RATIOS: [f64; 7] = [1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0];

    /// A test with the margin ψ₀, a ratio of error rates, and the overdispersion φ of errors, 1 where they
    /// happen one by one. To ask whether the canary fails less often, give it the tracks the other way round.
    ///
    /// # Errors
    /// `Invalid` for a margin outside 1e-100 to 1e100 or a φ that is not a finite number of 1 or more.
    pub fn new(margin: f64, phi: f64) -> Result<Self> {
        Self::try_from(State { margin, evidence: EProcess::new(Self::RATIOS.len(), phi)? })
    }

    /// Takes the next block. One without errors, or with requests on one track only, tells nothing.
    ///
    /// # Errors
    /// `Invalid` for more errors than requests, naming the track; the test is then as it was.
    pub fn observe(&mut self, block: Errors) -> Result<()> {
        for (track, errors, requests) in [
            ("stable", block.stable_errors, block.stable_requests),
            ("canary", block.canary_errors, block.canary_requests),
        ] {
            if errors > requests {
                return Err(invalid("more errors than requests")
                    .with("track", track)
                    .with("errors", errors)
                    .with("requests", requests));
            }
        }
        if block.stable_requests == 0 || block.canary_requests == 0 {
            return Ok(());
        }
        // Odds, not shares: Θ = odds/(1 + odds), and nothing cancels where Θ is nearly 1.
        let odds = self.margin * (block.canary_requests as f64 / block.stable_requests as f64);
        let (on_canary, on_stable) = (block.canary_errors as f64, block.stable_errors as f64);
        self.evidence.multiply([Self::RATIOS.map(|ratio| {
            let ln_stable = -(odds * (ratio - 1.0) / (1.0 + odds)).ln_1p();
            on_canary * (ratio.ln() + ln_stable) + on_stable * ln_stable
        })]);
        Ok(())
    }

    /// ln E: the evidence that the canary fails more than the margin allows. Above ln(1/α) it is shown.
    #[must_use]
    pub fn ln_e(&self) -> f64 {
        self.evidence.ln_e()
    }
}
