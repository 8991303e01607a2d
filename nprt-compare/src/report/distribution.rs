use serde::{Deserialize, Serialize};

use crate::sketch::{Sparse, lower, upper};

/// How many bins a distribution is shown by at most.
const MOST: usize = 60;
/// The logarithm of how wide a bin of the sketch is: narrower ones would show its grid.
const FINEST: f64 = 1.0 / 128.0;

/// The distribution of both tracks over the whole run, in bins of equal width on a logarithmic scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// The edges of the bins, ascending and above 0, in the metric's unit: one more than there are bins. Empty where
    /// nothing above 0 was measured.
    pub edges: Vec<f64>,
    /// The share of stable's samples in each bin; with those at 0 they add up to 1.
    pub stable: Vec<f64>,
    /// The share of the canary's.
    pub canary: Vec<f64>,
    /// The share of stable's samples, and of the canary's, that are 0.
    pub zeros: [f64; 2],
    /// How many samples stable has, and how many the canary.
    pub samples: [u64; 2],
}

impl Distribution {
    /// Of stable's samples and the canary's; `None` of none.
    pub(super) fn of(stable: &Sparse, canary: &Sparse) -> Option<Self> {
        let sides = [stable, canary];
        let samples = sides.map(Sparse::count);
        if samples == [0, 0] {
            return None;
        }
        let edges = edges(sides);
        let [stable, canary] = sides.map(|bins| shares(bins, &edges));
        let zeros = [0, 1].map(|side| {
            let zero = sides[side].iter().next().filter(|(bin, _)| lower(*bin) <= 0.0);
            share(zero.map_or(0, |(_, count)| count), samples[side])
        });
        Some(Self { edges, stable, canary, zeros, samples })
    }
}

/// From the lowest to the highest bin of the sketch that holds something above 0.
fn edges(sides: [&Sparse; 2]) -> Vec<f64> {
    let above =
        || sides.into_iter().flat_map(Sparse::iter).map(|(bin, _)| bin).filter(|bin| lower(*bin) > 0.0);
    let Some((first, last)) = above().min().zip(above().max()) else { return Vec::new() };
    let (low, high) = (lower(first).ln(), upper(last).ln());
    let fit = ((high - low) / FINEST).floor().clamp(1.0, MOST as f64);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 60")]
    let count = fit as usize;
    (0..=count).map(|at| (low + (high - low) * at as f64 / count as f64).exp()).collect()
}

/// Each bin of the sketch is spread over those that it overlaps, so that its grid does not show.
fn shares(bins: &Sparse, edges: &[f64]) -> Vec<f64> {
    let count = edges.len().saturating_sub(1);
    let mut shares = vec![0.0; count];
    let (Some(first), Some(last)) = (edges.first(), edges.last()) else { return shares };
    let (low, high) = (first.ln(), last.ln());
    let (all, width) = (bins.count(), (high - low) / count as f64);
    for (bin, samples) in bins.iter().filter(|(bin, _)| lower(*bin) > 0.0) {
        let [from, to] =
            [lower(bin), upper(bin)].map(|edge| ((edge.ln() - low) / width).clamp(0.0, count as f64));
        let whole = share(samples, all);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the bins")]
        let (begin, end) = (from.floor() as usize, (to.ceil() as usize).min(count));
        for (at, sum) in shares.iter_mut().enumerate().take(end).skip(begin) {
            let overlap = to.min(at as f64 + 1.0) - from.max(at as f64);
            *sum += if to > from { whole * (overlap / (to - from)).max(0.0) } else { 0.0 };
        }
    }
    shares
}

fn share(part: u64, all: u64) -> f64 {
    if all > 0 { part as f64 / all as f64 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::prop_oneof;
    use proptest::strategy::{Just, Strategy};
    use proptest::{prop_assert, proptest};

    use super::*;

    fn measured() -> impl Strategy<Value = Vec<f64>> {
        let number =
            prop_oneof![Just(0.0), Just(f64::MAX), Just(f64::MIN_POSITIVE), 1e-9_f64..1e9, 1.0_f64..1.01];
        vec(number, 0..200)
    }

    proptest! {
        #[test]
        fn shares_add_up_to_all(stable in measured(), canary in measured()) {
            let sides = [&stable, &canary].map(|samples| Sparse::of_samples(samples));
            let Some(found) = Distribution::of(&sides[0], &sides[1]) else {
                prop_assert!(stable.is_empty() && canary.is_empty());
                return Ok(());
            };
            prop_assert!(found.edges.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", found.edges);
            for (side, shares) in [&found.stable, &found.canary].into_iter().enumerate() {
                let all = shares.iter().sum::<f64>() + found.zeros[side];
                prop_assert!(found.samples[side] == 0 || (all - 1.0).abs() < 1e-6, "{all}");
                prop_assert!(shares.len() <= MOST && shares.iter().all(|share| *share >= 0.0));
            }
        }
    }
}
