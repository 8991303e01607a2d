//! The exact distribution of a sum of ranks: Streitberg and Röhmel's shift algorithm ("Exact distributions
//! for permutation and rank tests", 1986), in probabilities instead of counts, which would overflow.

use super::ranks::Ranks;

/// Up to this many measurements a side the distribution is always exact.
const FEW: usize = 49;

/// Steps that the distribution of more may take: some milliseconds.
const BUDGET: usize = 1 << 22;

/// Probabilities of U where the versions do not differ.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tails {
    /// Of a U as large as the one found or larger.
    pub(super) at_least: f64,
    /// Of a U as small as the one found or smaller.
    pub(super) at_most: f64,
}

/// The exact tails given the ties, or `None` where they would take too long.
pub(super) fn tails(ranks: &Ranks<'_>) -> Option<Tails> {
    let (all, canary) = (ranks.all(), ranks.canary());
    let stable = all - canary;
    if !is_affordable(all, canary.min(stable), 0) {
        return None;
    }
    let least = ranks.groups().next().map_or(0, |group| group.doubled_rank);
    let unit = ranks.groups().fold(0, |unit, group| gcd(unit, group.doubled_rank - least)).max(1);
    let score = |doubled_rank: usize| (doubled_rank - least) / unit;
    let canary_is_fewer = canary <= stable;
    let mut scores = Vec::with_capacity(all);
    let mut found = 0;
    for group in ranks.groups() {
        let score = score(group.doubled_rank);
        scores.extend(std::iter::repeat_n(score, group.stable + group.canary));
        found += score * if canary_is_fewer { group.canary } else { group.stable };
    }
    let distribution = distribution(&scores, canary.min(stable))?;
    let at_most: f64 = distribution.iter().take(found + 1).sum();
    let at_least: f64 = distribution.iter().skip(found).sum();
    let (at_most, at_least) = if canary_is_fewer { (at_most, at_least) } else { (at_least, at_most) };
    Some(Tails { at_least: at_least.min(1.0), at_most: at_most.min(1.0) })
}

/// The distribution of U, from 0, for so many distinct measurements; `None` where it would take too long.
pub(super) fn without_ties(one: usize, other: usize) -> Option<Vec<f64>> {
    let fewer = one.min(other);
    if !is_affordable(one + other, fewer, 0) {
        return None;
    }
    let scores: Vec<_> = (0..one + other).collect();
    let mut distribution = distribution(&scores, fewer)?;
    // The least sum of ranks is where U is 0.
    Some(distribution.split_off(scores.iter().take(fewer).sum()))
}

/// The probability of each sum, from 0, of the scores of `chosen` measurements drawn without replacement
/// from all. `scores` ascend. `None` where that would take too long.
///
/// Measurement by measurement, each is drawn with the probability (still to be drawn)/(still there): row j
/// holds the probability that j were drawn and have this sum. Only sums of positive numbers: nothing cancels.
fn distribution(scores: &[usize], chosen: usize) -> Option<Vec<f64>> {
    let largest: usize = scores.iter().rev().take(chosen).sum();
    if !is_affordable(scores.len(), chosen, largest) {
        return None;
    }
    let mut rows = vec![vec![0.0; largest + 1]; chosen + 1];
    *rows.first_mut()?.first_mut()? = 1.0;
    for (seen, &score) in scores.iter().enumerate() {
        let there = (scores.len() - seen) as f64;
        for drawn in (0..=chosen.min(seen)).rev() {
            let (up_to, above) = rows.split_at_mut(drawn + 1);
            let row = up_to.last_mut()?;
            // Scores ascend: no sum of those drawn exceeds this.
            let reached = (drawn * score).min(largest);
            let take = (chosen - drawn) as f64 / there;
            if let Some(next) = above.first_mut() {
                for (into, from) in next.iter_mut().skip(score).zip(row.iter().take(reached + 1)) {
                    *into += from * take;
                }
            }
            // Where as many are wanted as are there, none is left out.
            let leave = (1.0 - take).max(0.0);
            row.iter_mut().take(reached + 1).for_each(|probability| *probability *= leave);
        }
    }
    rows.pop()
}

/// Whether the distribution of sums up to `largest` is worked out.
fn is_affordable(all: usize, chosen: usize, largest: usize) -> bool {
    let cost = all.checked_mul(chosen).and_then(|cost| cost.checked_mul(largest + 1));
    chosen.max(all - chosen) <= FEW || cost.is_some_and(|cost| cost <= BUDGET)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
