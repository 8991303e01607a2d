//! Kayenta's judge as documented (`NetflixACAJudge-v1.0`, spinnaker/kayenta `docs/canary-config.md`, and its
//! `MannWhitneyClassifier`): of each metric the values of canary and stable, one a minute. A metric is `High`
//! where the 98 % confidence interval of the Mann-Whitney test lies wholly above a quarter of the
//! Hodges-Lehmann estimate, and the ratio of the means is at least `allowedIncrease`, 1 by default. A metric
//! that is `critical` fails the whole: here all are, and they are mean, median and p95 of latency, the rate
//! of errors and the mean of CPU.
//!
//! One difference, in its favour: it finds the interval by a root finder that stops within an absolute 1e-4,
//! which is blind to rates of errors of that size; here the interval is exact.

use crate::figures::{Figure, Look, mean};

/// The standard normal's 99th percentile: 98 % lie within.
const Z: f64 = 2.326_347_874_040_841;
/// Of the estimate.
const TOLERANCE: f64 = 0.25;
const ALLOWED_INCREASE: f64 = 1.0;
/// Below this even complete separation is not significant.
const LEAST: usize = 5;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Looks {
    EveryMinute,
    HalfHourly,
}

pub(super) fn regression(looks: Looks, all: &[Look]) -> Option<usize> {
    let every = match looks {
        Looks::EveryMinute => 1,
        Looks::HalfHourly => 30,
    };
    let first = |figure| {
        let (mut stable, mut canary) = (Vec::new(), Vec::new());
        all.iter().enumerate().find_map(|(minute, look)| {
            // "remove": a minute that one track lacks is left out.
            if let Some((below, above)) = look.both(figure) {
                stable.push(below);
                canary.push(above);
            }
            let looked = (minute + 1).is_multiple_of(every) && stable.len() >= LEAST;
            (looked && is_high(&stable, &canary)).then_some(minute + 1)
        })
    };
    Figure::ALL.into_iter().filter_map(first).min()
}

/// The interval's lower end lies above a shift where the statistic at that shift is significant, since it
/// falls as the shift grows: no root is needed.
fn is_high(stable: &[f64], canary: &[f64]) -> bool {
    let ratio = mean(canary).zip(mean(stable)).map_or(1.0, |(above, below)| above / below);
    // An interval that reaches down to 0 cannot lie above the bound.
    if z(stable, canary, 0.0) <= Z || ratio < ALLOWED_INCREASE {
        return false;
    }
    z(stable, canary, TOLERANCE * difference(stable, canary).abs()) > Z
}

/// The Hodges-Lehmann estimate: the median of all differences.
fn difference(stable: &[f64], canary: &[f64]) -> f64 {
    let mut all: Vec<_> =
        canary.iter().flat_map(|above| stable.iter().map(move |below| above - below)).collect();
    let middle = all.len() / 2;
    *all.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// The Mann-Whitney statistic where the canary is shifted back, with the corrections for ties and continuity;
/// no number where all values are the same, which is never above anything.
fn z(stable: &[f64], canary: &[f64], shift: f64) -> f64 {
    let stable = stable.iter().map(|value| (*value, false));
    let mut all: Vec<_> = stable.chain(canary.iter().map(|value| (value - shift, true))).collect();
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut wins, mut ties, mut below) = (0.0, 0.0, 0.0);
    for tied in all.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let canary = tied.iter().filter(|(_, canary)| *canary).count() as f64;
        let size = tied.len() as f64;
        wins += canary * (below + 0.5 * (size - canary));
        below += size - canary;
        ties += size.powi(3) - size;
    }
    let (m, n) = (canary.len() as f64, below);
    let excess = wins - m * n / 2.0;
    let size = m + n;
    let variance = m * n / 12.0 * ((size + 1.0) - ties / (size * (size - 1.0)));
    (excess - 0.5 * excess.signum()) / variance.sqrt()
}
