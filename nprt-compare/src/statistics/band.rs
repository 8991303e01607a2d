//! Bands for the report that hold at all times at once: a time-uniform Dvoretzky-Kiefer-Wolfowitz band around
//! a distribution, and the confidence sequence of a quantile that follows from it.
//!
//! # Validity
//! With probability 1 − α the true distribution function lies within the radius of the empirical one, at
//! every value and **after every number of samples** from `from` on: one may look at any time, and at all
//! quantiles at once. Samples are independent and of one distribution; where levels drift the band speaks of
//! no single moment, and no verdict rests on it. For two tracks, give each half of α.
//!
//! # Source
//! Howard and Ramdas, "Sequential estimation of quantiles with applications to A/B testing and best-arm
//! identification", Bernoulli (2022), theorem 2, with A = 0.85.

use nprt_core::Result;

use super::e_process::invalid;
use crate::Percentile;

/// The factor A of the radius; the constant C follows from it and α.
const A: f64 = 0.85;

/// A band of one error level.
///
/// ```
/// use nprt_compare::Percentile;
/// use nprt_compare::statistics::band::TimeUniformBand;
///
/// let band = TimeUniformBand::new(0.01, 100)?;
/// assert_eq!(band.radius(99), None);
/// assert!((band.radius(1000).unwrap() - 0.0870).abs() < 1e-4);
/// // The median of 1,000 samples lies between the 413th and the 588th in ascending order; of the 99th
/// // percentile there is no upper bound yet.
/// assert_eq!(band.ranks(Percentile::new(50.0)?, 1000), (Some(413), Some(588)));
/// assert_eq!(band.ranks(Percentile::new(99.0)?, 1000), (Some(903), None));
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeUniformBand {
    constant: f64,
    from: u64,
}

impl TimeUniformBand {
    /// The band of error level `alpha` that begins after `from` samples. The later it begins, the narrower
    /// it is then and afterwards.
    ///
    /// # Errors
    /// `Invalid`, naming the argument, when `alpha` is not at least 10^-100 and below 1, or `from` is 0.
    pub fn new(alpha: f64, from: u64) -> Result<Self> {
        if !(1e-100..1.0).contains(&alpha) {
            return Err(invalid("expected an error level from 1e-100 to below 1").with("alpha", alpha));
        }
        if from == 0 {
            return Err(invalid("expected 1 or more").with("from", from));
        }
        Ok(Self { constant: constant(alpha), from })
    }

    /// How far the true distribution function may lie from the empirical one of so many samples, at most 1;
    /// `None` before the band begins.
    #[must_use]
    pub fn radius(&self, samples: u64) -> Option<f64> {
        let times = samples as f64 / self.from as f64;
        let radius = A * (((1.0 + times.ln()).ln() + self.constant) / samples as f64).sqrt();
        (samples >= self.from).then(|| radius.min(1.0))
    }

    /// Between which of so many samples, counted from 1 in ascending order, the true quantile lies, both
    /// included. `None` is no bound on that side: there are too few samples.
    #[must_use]
    pub fn ranks(&self, percentile: Percentile, samples: u64) -> (Option<u64>, Option<u64>) {
        let Some(radius) = self.radius(samples) else { return (None, None) };
        let (share, count) = (percentile.percent() / 100.0, samples as f64);
        // The first sample at which the empirical function reaches a share. Lower, it cannot lie below: what
        // lies below has too small a share even when the radius is added. Upper, it has enough without it.
        let rank = |share: f64| {
            let rank = (share * count).ceil();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked: 1 to samples"
            )]
            (rank >= 1.0 && rank <= count).then_some(rank as u64)
        };
        (rank(share - radius), rank(share + radius))
    }
}

/// The smallest C whose error is at most α, found by bisection; rounded up.
fn constant(alpha: f64) -> f64 {
    let (mut low, mut high) = (1.0, 1000.0);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if ln_error(middle) > alpha.ln() {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The logarithm of the error of C: the least over η of 4 exp(−γ²C) (1 + 1/((γ² − 1) ln η)), where
/// γ² = 2/η (A − √(2(η − 1)/C))² must exceed 1. Each η gives a valid bound, so that a search (golden section)
/// that stops beside the least is safe.
fn ln_error(c: f64) -> f64 {
    let at = |eta: f64| {
        let root = A - (2.0 * (eta - 1.0) / c).sqrt();
        let gamma2 = 2.0 / eta * root * root;
        let holds = root > 0.0 && gamma2 > 1.0;
        if holds {
            4.0_f64.ln() - gamma2 * c + ((gamma2 - 1.0) * eta.ln()).recip().ln_1p()
        } else {
            f64::INFINITY
        }
    };
    let golden = 0.5 * (5.0_f64.sqrt() - 1.0);
    let (mut low, mut high) = (1.0, 2.0 * A * A);
    for _ in 0..100 {
        let width = golden * (high - low);
        // Where neither holds, η is too large.
        if at(high - width) <= at(low + width) {
            high = low + width;
        } else {
            low = high - width;
        }
    }
    at(0.5 * (low + high))
}
