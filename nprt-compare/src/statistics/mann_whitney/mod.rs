//! Fixed-horizon Mann-Whitney test with the Hodges-Lehmann estimate and Moses's interval.

mod differences;
mod rank_sums;
mod ranks;

use nprt_core::{Error, Result};
use serde::Serialize;
use statrs::distribution::{ContinuousCDF, Normal};

use self::differences::Differences;
use self::rank_sums::Tails;
use self::ranks::Ranks;

/// Is the canary shifted against stable? One look at two finished sets of measurements: Mann and Whitney's
/// U (1947), Hodges and Lehmann's estimate of the shift (1963) and Moses's interval for it (1965).
///
/// # Validity
/// At a **fixed horizon** only: it is valid for one look at a time chosen beforehand, such as the replay of
/// a stored series. Looked at every minute it raises false alarms without bound; a sequential test is for
/// that. It assumes independent measurements which, where the versions do not differ, are exchangeable.
/// Correlated ones (minutes of one series) raise false alarms too: 48 % of runs at an autocorrelation of
/// 0.9. The interval also assumes that the two distributions differ by a shift alone.
///
/// # How
/// The p-values are exact below 50 measurements a side, and beyond where the distribution is small enough
/// to be worked out (a few on one side, or few distinct ranks), ties included: Streitberg and Röhmel's shift
/// algorithm (1986), conditional on the ties. Else they are normal with tie and continuity correction.
/// The interval leaves at most `alpha` on each side; its ends are order statistics of the differences
/// canary − stable, selected and never solved for, so that no scale of the data is too small. It takes the
/// critical value of distinct measurements, which with ties is cautious: it may include 0 where the p-value
/// is below `alpha`. Without ties the two always agree.
///
/// Time: O(N log N) beyond the exact distribution, memory O(N), for N measurements of both tracks. Without
/// estimate and interval, [`PValues`] take about a fifth of it.
///
/// ```
/// use nprt_compare::statistics::mann_whitney::{Finding, MannWhitney};
///
/// let stable = [1.2, 1.0, 1.1, 1.4, 1.3];
/// let canary = [1.7, 1.6, 1.5, 1.9, 1.25];
/// let test = MannWhitney::compare(&stable, &canary, 0.05)?;
/// assert_eq!(test.finding(), Finding::Greater);
/// assert_eq!(test.u, 23.0);
/// assert!((test.greater - 4.0 / 252.0).abs() < 1e-12 && test.exact);
/// assert!((test.shift.unwrap() - 0.4).abs() < 1e-12);
/// // With two a side even the largest U has a probability of 1/6: no verdict.
/// assert_eq!(MannWhitney::compare(&[1.0, 2.0], &[8.0, 9.0], 0.05)?.finding(), Finding::TooFew);
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MannWhitney {
    /// Measurements on stable.
    pub stable_samples: usize,
    /// Measurements on the canary.
    pub canary_samples: usize,
    /// Pairs in which the canary's measurement is the larger; a tie is half a pair.
    pub u: f64,
    /// The probability of so large a U or a larger one where the versions do not differ.
    pub greater: f64,
    /// The probability of so small a U or a smaller one where the versions do not differ.
    pub less: f64,
    /// Whether the probabilities are exact, not normal approximations.
    pub exact: bool,
    /// Hodges and Lehmann's estimate of canary − stable: the median of all differences, in the unit of the
    /// measurements. `None` without a measurement on either track.
    pub shift: Option<f64>,
    /// Moses's interval for the shift, each end with an error of at most `alpha`. `None` where too few
    /// measurements bound it.
    pub interval: Option<[f64; 2]>,
    /// The error that is allowed on each side.
    pub alpha: f64,
}

/// The test alone: U and its p-values, each as in [`MannWhitney`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PValues {
    /// [`MannWhitney::u`]
    pub u: f64,
    /// [`MannWhitney::greater`]
    pub greater: f64,
    /// [`MannWhitney::less`]
    pub less: f64,
    /// [`MannWhitney::exact`]
    pub exact: bool,
}

impl PValues {
    /// Compares the canary's measurements with stable's.
    ///
    /// # Errors
    /// `Invalid` for a measurement that is not a finite number, naming track and index.
    pub fn compare(stable: &[f64], canary: &[f64]) -> Result<Self> {
        Ok(Self::of_ascending(&ascending("stable", stable)?, &ascending("canary", canary)?))
    }

    fn of_ascending(stable: &[f64], canary: &[f64]) -> Self {
        let ranks = Ranks::of(stable, canary);
        let exact = rank_sums::tails(&ranks);
        let Tails { at_least, at_most } = exact.unwrap_or_else(|| normal_tails(&ranks));
        Self { u: ranks.u, greater: at_least, less: at_most, exact: exact.is_some() }
    }
}

/// What one look says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The canary's measurements are larger.
    Greater,
    /// The canary's measurements are smaller.
    Less,
    /// Neither is shown; that is no proof that they agree.
    NotShown,
    /// No outcome of so few measurements could show anything at this `alpha`.
    TooFew,
}

impl MannWhitney {
    /// Compares the canary's measurements with stable's. `alpha` is the error allowed on each side, so that
    /// the interval covers the shift with a probability of 1 − 2 `alpha`.
    ///
    /// # Errors
    /// `Invalid` for an `alpha` that is not above 0 and below 0.5, for a measurement that is not a finite
    /// number (naming track and index), and for measurements so far apart that their difference is none.
    pub fn compare(stable: &[f64], canary: &[f64], alpha: f64) -> Result<Self> {
        if !(alpha > 0.0 && alpha < 0.5) {
            return Err(invalid("expected a number above 0 and below 0.5").with("alpha", alpha));
        }
        let stable = ascending("stable", stable)?;
        let canary = ascending("canary", canary)?;
        let PValues { u, greater, less, exact } = PValues::of_ascending(&stable, &canary);
        let differences = Differences::new(&stable, &canary);
        if !differences.are_finite() {
            return Err(invalid("the measurements are too far apart to subtract them"));
        }
        let interval = least_p(stable.len(), canary.len())
            .le(&within(alpha))
            .then(|| differences.between(critical(stable.len(), canary.len(), alpha)))
            .flatten();
        Ok(Self {
            stable_samples: stable.len(),
            canary_samples: canary.len(),
            u,
            greater,
            less,
            exact,
            shift: differences.median(),
            interval,
            alpha,
        })
    }

    /// What the test says at its `alpha`.
    #[must_use]
    pub fn finding(&self) -> Finding {
        if least_p(self.stable_samples, self.canary_samples) > within(self.alpha) {
            Finding::TooFew
        } else if self.greater <= within(self.alpha) {
            Finding::Greater
        } else if self.less <= within(self.alpha) {
            Finding::Less
        } else {
            Finding::NotShown
        }
    }

    /// The probability of a U as far from its mean, on either side, where the versions do not differ.
    #[must_use]
    pub fn two_sided(&self) -> f64 {
        (2.0 * self.greater.min(self.less)).min(1.0)
    }
}

/// The smallest p-value that so many measurements can have: one of all the ways to share them out.
pub(crate) fn least_p(stable: usize, canary: usize) -> f64 {
    let (fewer, more) = (stable.min(canary), stable.max(canary));
    (1..=fewer).map(|i| i as f64 / (more + i) as f64).product()
}

/// A sum of probabilities that equals the limit may be rounded above it.
fn within(alpha: f64) -> f64 {
    alpha * (1.0 + 1e-12)
}

/// The k for which the k-th smallest and the k-th largest difference bound the shift, from 1; 0 for none.
fn critical(stable: usize, canary: usize, alpha: f64) -> usize {
    if let Some(distribution) = rank_sums::without_ties(stable, canary) {
        let mut below = 0.0;
        let fits = |probability: &&f64| {
            below += **probability;
            below <= within(alpha)
        };
        return distribution.iter().take_while(fits).count();
    }
    let pairs = stable as f64 * canary as f64;
    let deviation = (pairs * (stable + canary + 1) as f64 / 12.0).sqrt();
    let k = (pairs / 2.0 + Normal::standard().inverse_cdf(alpha) * deviation + 0.5).floor();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates at 0")]
    {
        k as usize
    }
}

fn normal_tails(ranks: &Ranks<'_>) -> Tails {
    let excess = ranks.u - ranks.mean_of_u();
    let deviation = ranks.variance_of_u().sqrt();
    let tail = |excess: f64| {
        // All measurements tie: each outcome is this one.
        if deviation > 0.0 { Normal::standard().sf((excess - 0.5) / deviation) } else { 1.0 }
    };
    Tails { at_least: tail(excess), at_most: tail(-excess) }
}

/// A sorted copy, in which −0 is 0.
fn ascending(track: &'static str, values: &[f64]) -> Result<Vec<f64>> {
    if let Some((index, value)) = values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        return Err(invalid("expected finite numbers")
            .with("track", track)
            .with("index", index)
            .with("value", value));
    }
    let mut values: Vec<_> = values.iter().map(|value| value + 0.0).collect();
    values.sort_unstable_by(f64::total_cmp);
    Ok(values)
}

fn invalid(message: &str) -> Error {
    Error::invalid("test.mann_whitney", message)
}
