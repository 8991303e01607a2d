//! How many samples it takes to decide, in closed form: for planning, and as a floor for what an
//! inconclusive verdict says is still needed.
//!
//! # Validity
//! These are approximations for many samples, of tests that are looked at all the time: the evidence is taken
//! to grow like a normal mean's under a normal mixture that is tuned for the very sample size that comes
//! out. What blocks, a warm-up, the cap of a block's evidence and the average over many tests cost is not in
//! them, so that they are floors: a real comparison takes a little longer.
//!
//! # Sources
//! The mixture's boundary: Robbins, "Statistical methods related to the law of the iterated logarithm" (1970), tuned
//! as by Howard, Ramdas, McAuliffe and Sekhon (2021). Ranks: Noether (1987). The rest is the variance of a
//! sample quantile, and the growth of a likelihood ratio of binomial counts.

use nprt_core::{Error, Result};
use statrs::distribution::{ContinuousCDF, Normal};

use super::Percentile;
use super::statistics::Overdispersion;
use super::statistics::counts::{RATIOS, Ratio};
use super::window::minutes_for;

/// How surely a decision is wanted.
///
/// ```
/// use nprt_compare::Percentile;
/// use nprt_compare::sizing::{QuantileEffect, Sizing};
/// use nprt_compare::statistics::Overdispersion;
///
/// let sizing = Sizing::new(0.01, 0.8)?;
/// assert!((sizing.kappa() - 17.6).abs() < 0.05);
/// // p95 of a lognormal with σ = 0.6 and median 100 ms, 25 % slower at a margin of 5 %, a quarter canary.
/// let p95 = 0.1 * (0.6 * 1.644_85_f64).exp();
/// let samples = sizing.quantile_samples(QuantileEffect {
///     percentile: Percentile::P95,
///     density: 0.103_136 / (0.6 * p95),
///     effect: 0.2 * p95,
///     stable_per_canary: 3.0,
///     overdispersion: Overdispersion::NONE,
/// })?;
/// assert_eq!(samples.round(), 943.0);
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sizing {
    alpha: f64,
    kappa: f64,
}

/// An effect on a quantile of samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuantileEffect {
    /// Which quantile.
    pub percentile: Percentile,
    /// Stable's probability density there, per unit of the metric.
    pub density: f64,
    /// How far the canary's quantile lies **beyond the margin**, in units of the metric.
    pub effect: f64,
    /// Samples on stable for each on the canary, r.
    pub stable_per_canary: f64,
    /// How much samples hang together.
    pub overdispersion: Overdispersion,
}

/// An effect on the whole distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankEffect {
    /// The probability that a sample of the canary, less the margin, is larger than one of stable. Without an
    /// effect it is a half.
    pub superiority: f64,
    /// Samples on stable for each on the canary, r.
    pub stable_per_canary: f64,
    /// How much samples hang together.
    pub overdispersion: Overdispersion,
}

impl Sizing {
    /// Of decisions at the error level `alpha` which so large an effect leads to with the probability `power`.
    ///
    /// # Errors
    /// `Invalid` for an `alpha` that is not above 0 and below 0.5, or a `power` not from 0.5 to below 1.
    pub fn new(alpha: f64, power: f64) -> Result<Self> {
        if !(alpha > 0.0 && alpha < 0.5) {
            return Err(invalid("expected an error level above 0 and below 0.5").with("alpha", alpha));
        }
        if !(0.5..1.0).contains(&power) {
            return Err(invalid("expected a probability from 0.5 to below 1").with("power", power));
        }
        // The mixture is one-sided: twice α of a two-sided one.
        let ln_error = -2.0 * (2.0 * alpha).ln();
        let tuned = ln_error + ln_error.ln_1p();
        let boundary = ((1.0 + 1.0 / tuned) * (tuned.ln_1p() + ln_error)).sqrt();
        let kappa = (boundary + Normal::standard().inverse_cdf(power)).powi(2);
        Ok(Self { alpha, kappa })
    }

    /// κ in n = κ σ²/μ²: samples for a mean of μ and a standard deviation of σ. At α = 0.01 it is 11.2, 17.6 and
    /// 21.5 for a power of 50, 80 and 90 %. A single look would take 5.4, 10.0 and 13.0.
    #[must_use]
    pub fn kappa(&self) -> f64 {
        self.kappa
    }

    /// Samples of the canary for an effect on a quantile: φ κ p(1−p)(1+1/r) / (f(q_p)² Δ²).
    ///
    /// # Errors
    /// `Invalid` for a density, an effect or a ratio of samples that is not a finite number above 0.
    pub fn quantile_samples(&self, of: QuantileEffect) -> Result<f64> {
        above_zero("density", of.density)?;
        above_zero("effect", of.effect)?;
        above_zero("stable_per_canary", of.stable_per_canary)?;
        let p = of.percentile.percent() / 100.0;
        let variance = p * (1.0 - p) * (1.0 + 1.0 / of.stable_per_canary);
        Ok(of.overdispersion.phi() * self.kappa * variance / (of.density * of.effect).powi(2))
    }

    /// Samples of the canary for an effect on the whole distribution: φ κ / (12 (1−c) (P−½)²), c = 1/(1+r).
    ///
    /// # Errors
    /// `Invalid` for a superiority that is not above a half and at most 1, or a ratio of samples that is not a
    /// finite number above 0.
    pub fn rank_samples(&self, of: RankEffect) -> Result<f64> {
        if !(of.superiority > 0.5 && of.superiority <= 1.0) {
            let error = invalid("expected a probability above a half, and at most 1");
            return Err(error.with("superiority", of.superiority));
        }
        above_zero("stable_per_canary", of.stable_per_canary)?;
        let of_stable = of.stable_per_canary / (1.0 + of.stable_per_canary);
        Ok(of.overdispersion.phi() * self.kappa / (12.0 * of_stable * (of.superiority - 0.5).powi(2)))
    }

    /// Errors of both tracks together at which an error rate `ratio` times stable's is decided in the mean,
    /// whatever the power: (ln(1/α) + ln G) / KL(Θ(ψ) ‖ Θ(ψ₀)), of the G alternatives of
    /// [`counts`](super::statistics::counts).
    ///
    /// # Errors
    /// `Invalid` for a ratio that is not above the margin, or a ratio of requests that is not a finite number
    /// above 0.
    pub fn error_events(&self, ratio: Ratio, margin: Ratio, stable_per_canary: f64) -> Result<f64> {
        above_zero("stable_per_canary", stable_per_canary)?;
        if ratio <= margin {
            let error = invalid("expected a ratio of error rates above the margin");
            return Err(error.with("ratio", ratio.get()).with("margin", margin.get()));
        }
        // Θ = u/(u + r). Sums of its logarithms, so that shares near 0 or 1 lose no digits.
        let (psi, psi0, r) = (ratio.get(), margin.get(), stable_per_canary);
        let on_stable = ((psi - psi0) / (psi0 + r)).ln_1p();
        let divergence = psi / (psi + r) * (psi / psi0).ln() - on_stable;
        Ok(((RATIOS.len() as f64).ln() - self.alpha.ln()) / divergence)
    }
}

/// The length of a block in whole minutes, so that ten samples of the canary lie beyond the percentile on its
/// thinner side: ⌈10 / ((1−p) λ_c)⌉ for a percentile in the upper half.
///
/// ```
/// use nprt_compare::{Percentile, sizing};
///
/// assert_eq!(sizing::block_minutes(Percentile::P99, 150.0)?, 7);
/// # Ok::<(), nprt_core::Error>(())
/// ```
///
/// # Errors
/// `Invalid` for a rate that is not a finite number above 0, or so low that it takes more than 10^9 minutes.
pub fn block_minutes(percentile: Percentile, canary_per_minute: f64) -> Result<u64> {
    above_zero("canary_per_minute", canary_per_minute)?;
    let beyond = percentile.percent().min(100.0 - percentile.percent()) / 100.0;
    minutes_for(1, beyond * canary_per_minute / 10.0).ok_or_else(|| {
        invalid("a block would take more than 10^9 minutes").with("canary_per_minute", canary_per_minute)
    })
}

/// The highest percentile for which a run has samples enough, 20 of the canary beyond it: 1 − 20/(λ_c T).
/// `None` where it would lie below the median.
///
/// ```
/// use nprt_compare::{Percentile, sizing};
///
/// assert_eq!(sizing::highest_percentile(10.0, 200.0)?, Some(Percentile::P99));
/// assert_eq!(sizing::highest_percentile(1.0, 30.0)?, None);
/// # Ok::<(), nprt_core::Error>(())
/// ```
///
/// # Errors
/// `Invalid` for a rate or a length that is not a finite number above 0.
pub fn highest_percentile(canary_per_minute: f64, minutes: f64) -> Result<Option<Percentile>> {
    above_zero("canary_per_minute", canary_per_minute)?;
    above_zero("minutes", minutes)?;
    let percent = 100.0 - 2000.0 / (canary_per_minute * minutes);
    if percent < 50.0 {
        return Ok(None);
    }
    // With four decimals, rounded down; what arithmetic took away does not count.
    Percentile::new(((percent * 1e4 + 1e-6).floor() / 1e4).min(99.9999)).map(Some)
}

fn above_zero(key: &'static str, value: f64) -> Result<()> {
    if value.is_finite() && value > 0.0 {
        Ok(())
    } else {
        Err(invalid("expected a finite number above 0").with(key, value))
    }
}

fn invalid(message: &str) -> Error {
    Error::invalid("compare.sizing", message)
}
