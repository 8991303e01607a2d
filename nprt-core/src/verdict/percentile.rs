use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Parts of the whole in which a percentile is kept: a ten-thousandth of a per cent.
const WHOLE: u32 = 1_000_000;

/// A percentile above 0 and below 100 with at most four decimals, such as 50, 95 or 99.9.
///
/// The percentile of `n` samples is the **nearest rank** (the inverse of the empirical distribution
/// function, type 1 of Hyndman and Fan): the smallest sample with at least p per cent of all at or below
/// it, sample number `ceil(p/100 * n)` in ascending order. It is always one of the samples. The rank is
/// computed in whole numbers, so that no rounding shifts it.
///
/// ```
/// use nprt_core::verdict::Percentile;
/// let p95 = Percentile::new(95.0)?;
/// assert_eq!(p95.of_samples(&mut [5.0, 1.0, 4.0, 2.0, 3.0]), Some(5.0));
/// assert_eq!(Percentile::new(50.0)?.of_samples(&mut [4.0, 1.0, 3.0, 2.0]), Some(2.0));
/// assert_eq!(p95.to_string(), "p95");
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Percentile {
    millionths: u32,
}

impl Percentile {
    /// The median.
    pub const P50: Self = Self { millionths: 500_000 };
    /// 95 per cent.
    pub const P95: Self = Self { millionths: 950_000 };
    /// 99 per cent.
    pub const P99: Self = Self { millionths: 990_000 };
    /// 99.9 per cent.
    pub const P999: Self = Self { millionths: 999_000 };

    /// Validates `percent`.
    ///
    /// # Errors
    /// `Invalid` unless it lies above 0 and below 100 and has at most four decimals.
    pub fn new(percent: f64) -> Result<Self> {
        let scaled = percent * 10_000.0;
        let inside = scaled >= 1.0 && scaled <= f64::from(WHOLE - 1);
        if !inside || (scaled - scaled.round()).abs() > 1e-6 {
            let expected = "expected more than 0 and less than 100 per cent, with at most four decimals";
            return Err(Error::invalid("policy.percentile", expected).with("percentile", percent));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked: between 1 and 999999"
        )]
        let millionths = scaled.round() as u32;
        Ok(Self { millionths })
    }

    /// In per cent.
    #[must_use]
    pub fn percent(self) -> f64 {
        f64::from(self.millionths) / 10_000.0
    }

    /// How many samples each track should have before this percentile means anything: 20 beyond it on its
    /// thinner side, `20 / (1 - p)`: 40 for the median, 400 for p95, 2000 for p99. A rule of thumb of ours: how
    /// many samples lie beyond is a binomial count, and one of 20 scatters by `1 / sqrt(20)`, 22 %.
    #[must_use]
    pub fn least_samples(self) -> u64 {
        let thinner = self.millionths.min(WHOLE - self.millionths);
        (20 * u64::from(WHOLE)).div_ceil(u64::from(thinner))
    }

    /// The percentile of `samples` by nearest rank, `None` of none. It reorders them, and takes time linear
    /// in their number: it selects and does not sort. NaN counts as larger than everything.
    #[must_use]
    pub fn of_samples(self, samples: &mut [f64]) -> Option<f64> {
        let index = self.index(samples.len())?;
        let (_, &mut found, _) = samples.select_nth_unstable_by(index, f64::total_cmp);
        Some(found)
    }

    /// Where it stands among `n` samples in ascending order, from 0; `None` of none.
    pub fn index(self, n: usize) -> Option<usize> {
        usize::try_from(self.rank(n as u64)).ok()?.checked_sub(1)
    }

    /// Which of `n` samples in ascending order it is, from 1; 0 of none.
    pub fn rank(self, n: u64) -> u64 {
        let rank = (u128::from(self.millionths) * u128::from(n)).div_ceil(u128::from(WHOLE));
        u64::try_from(rank).unwrap_or(n)
    }
}

impl TryFrom<f64> for Percentile {
    type Error = Error;
    fn try_from(percent: f64) -> Result<Self> {
        Self::new(percent)
    }
}

impl From<Percentile> for f64 {
    fn from(percentile: Percentile) -> Self {
        percentile.percent()
    }
}

impl fmt::Display for Percentile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.percent())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop};
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn rounding_never_shifts_the_rank() {
        // In floating point 0.07 * 100 is a little more than 7.
        for (percent, n, rank) in
            [(7.0, 100, 7), (95.0, 20, 19), (99.9, 1000, 999), (50.0, 1, 1), (99.9999, 2, 2), (95.0, 0, 0)]
        {
            assert_eq!(Percentile::new(percent).unwrap().rank(n), rank, "p{percent} of {n}");
        }
        let p99 = Percentile::new(99.0).unwrap();
        assert_eq!(p99.rank(u64::MAX), 18_262_276_632_972_456_099);
    }

    #[test]
    fn only_percentiles_are_percentiles() {
        for bad in [0.0, 100.0, -1.0, 1e300, f64::NAN, f64::INFINITY, 99.999_95, 0.000_01] {
            assert!(Percentile::new(bad).unwrap_err().is_invalid(), "{bad}");
        }
    }

    #[test]
    fn tails_need_more_samples() {
        let least = |percent| Percentile::new(percent).unwrap().least_samples();
        assert_eq!([50.0, 95.0, 99.0, 99.9, 5.0].map(least), [40, 400, 2000, 20_000, 400]);
    }

    proptest! {
        /// The definition itself, counted out: at least p of all lie at or below, and of the next smaller
        /// sample this is not so.
        #[test]
        fn it_is_the_nearest_rank(
            mut samples in prop::collection::vec(0_u32..50, 1..200),
            millionths in 1_u32..WHOLE,
        ) {
            let percentile = Percentile { millionths };
            let mut floats: Vec<f64> = samples.iter().copied().map(f64::from).collect();
            let found = percentile.of_samples(&mut floats).unwrap();
            samples.sort_unstable();
            let covered = |limit: f64| {
                let below = samples.iter().filter(|&&sample| f64::from(sample) <= limit).count() as u64;
                below * u64::from(WHOLE) >= u64::from(millionths) * samples.len() as u64
            };
            prop_assert!(covered(found));
            if let Some(&smaller) = samples.iter().rev().find(|&&sample| f64::from(sample) < found) {
                prop_assert!(!covered(f64::from(smaller)));
            }
        }

        #[test]
        fn text_and_back(millionths in 1_u32..WHOLE, noise in any::<bool>()) {
            let percentile = Percentile { millionths };
            let text = if noise { format!(" {} ", percentile.percent()) } else { percentile.percent().to_string() };
            prop_assert_eq!(serde_json::from_str::<Percentile>(&text).unwrap(), percentile);
        }
    }
}
