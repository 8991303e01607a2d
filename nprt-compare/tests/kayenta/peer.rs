//! A model of Kayenta's own rule (`NetflixACAJudge-v1.0`, read in the repository spinnaker/spinnaker, written
//! anew), to compare with: a normal approximation with tie and continuity correction, its roots found within
//! an absolute 1e-4, and a difference only where the whole interval exceeds a quarter of the estimate. Its
//! Brent solver is a bisection of the same tolerance here, which ends on the same side of each jump.

use nprt_compare::kayenta::Classification;
use statrs::distribution::{ContinuousCDF, Normal};

const TOLERANCE: f64 = 1e-4;

#[derive(Debug)]
pub(super) struct Interval {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) estimate: f64,
}

/// `either` direction, `remove`, without effect sizes beyond their default of 1.
pub(super) fn classify(stable: &[f64], canary: &[f64]) -> Classification {
    if stable.is_empty() || canary.is_empty() {
        return Classification::Nodata;
    }
    if sorted(stable) == sorted(canary) {
        return Classification::Pass;
    }
    let Interval { low, high, estimate } = interval(stable, canary);
    let bound = 0.25 * estimate.abs();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (below, above) = (mean(stable), mean(canary));
    // A ratio that is not defined exempts nothing.
    let ratio = if below == 0.0 || above == 0.0 { None } else { Some(above / below) };
    if low > bound && ratio.is_none_or(|ratio| ratio >= 1.0) {
        Classification::High
    } else if high < -bound && ratio.is_none_or(|ratio| ratio <= 1.0) {
        Classification::Low
    } else {
        Classification::Pass
    }
}

/// Of canary − stable at 98 %.
pub(super) fn interval(stable: &[f64], canary: &[f64]) -> Interval {
    let ends = |values: &[f64]| {
        let values = sorted(values);
        (values[0], values[values.len() - 1])
    };
    let ((least, most), (canary_least, canary_most)) = (ends(stable), ends(canary));
    let (from, to) = (canary_least - most, canary_most - least);
    let root = |quantile: f64| {
        let z = |shift: f64| z(stable, canary, shift) - quantile;
        if z(from) <= 0.0 {
            from
        } else if z(to) >= 0.0 {
            to
        } else {
            bisect(z, from, to)
        }
    };
    let quantile = Normal::standard().inverse_cdf(0.99);
    let estimate = bisect(|shift| z(stable, canary, shift), from, to);
    Interval { low: root(quantile), high: root(-quantile), estimate }
}

fn bisect(f: impl Fn(f64) -> f64, mut from: f64, mut to: f64) -> f64 {
    let (mut at_from, mut at_to) = (f(from), f(to));
    while to - from > TOLERANCE {
        let middle = f64::midpoint(from, to);
        let value = f(middle);
        if value == 0.0 || middle == from || middle == to {
            return middle;
        }
        if (value > 0.0) == (at_from > 0.0) {
            (from, at_from) = (middle, value);
        } else {
            (to, at_to) = (middle, value);
        }
    }
    if at_from.abs() < at_to.abs() { from } else { to }
}

/// The statistic where the canary is shifted back by `shift`.
fn z(stable: &[f64], canary: &[f64], shift: f64) -> f64 {
    let (m, n) = (canary.len() as f64, stable.len() as f64);
    let shifted: Vec<_> = canary.iter().map(|value| value - shift).collect();
    let wins: f64 = shifted
        .iter()
        .flat_map(|x| {
            stable.iter().map(move |y| f64::from(u8::from(x > y)) + 0.5 * f64::from(u8::from(x == y)))
        })
        .sum();
    let excess = wins - m * n / 2.0;
    let correction = if excess == 0.0 { 0.0 } else { 0.5 * excess.signum() };
    let pooled = sorted(&[&shifted, stable].concat());
    let ties: f64 =
        pooled.chunk_by(|a, b| a == b).map(|tied| (tied.len() as f64).powi(3) - tied.len() as f64).sum();
    let deviation = (m * n / 12.0 * ((m + n + 1.0) - ties / ((m + n) * (m + n - 1.0)))).sqrt();
    (excess - correction) / deviation
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

/// Kayenta's score of groups by weight (together 100), each with its metrics' classes.
pub(super) fn score(groups: &[(f64, &[Classification])]) -> f64 {
    let of_group = |classes: &[Classification]| {
        let passed = classes.iter().filter(|class| **class == Classification::Pass).count();
        let counted = classes.iter().filter(|class| !class.is_undecided()).count();
        if counted == 0 { 100.0 } else { 100.0 * passed as f64 / counted as f64 }
    };
    groups.iter().map(|(weight, classes)| weight / 100.0 * of_group(classes)).sum()
}
