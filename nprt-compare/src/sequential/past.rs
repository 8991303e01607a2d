use std::borrow::Cow;
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::setting::LAG;
use crate::Percentile;
use crate::sketch::{Sparse, after, lower, number_of};
use crate::statistics::rank::Scored;

/// Scores are rounded to so many levels: they are known from the past whatever they are, so that this costs no
/// validity, and next to no power.
pub(super) const LEVELS: usize = 32;

/// Samples by route, in its order: few, so that a list is smaller than a map.
pub(super) type Routes = Vec<(String, Sparse)>;

fn of<'a>(routes: &'a Routes, route: &str) -> Option<&'a Sparse> {
    let at = routes.binary_search_by(|(own, _)| own.as_str().cmp(route)).ok()?;
    routes.get(at).map(|(_, bins)| bins)
}

/// The sum, without a copy of what is alone.
fn sum<'a>(all: impl IntoIterator<Item = &'a Sparse>) -> Cow<'a, Sparse> {
    let mut all = all.into_iter().filter(|bins| !bins.is_empty());
    let mut sum = all.next().map_or_else(|| Cow::Owned(Sparse::default()), Cow::Borrowed);
    all.for_each(|bins| sum.to_mut().merge(bins));
    sum
}

/// What stable measured in earlier minutes, by route. A minute is compared by what is older than [`LAG`] minutes:
/// whatever comes late, and whenever one looks, it is the same past.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Past {
    /// By route; the empty text is that of blocks without one.
    routes: Routes,
    /// Minutes that are over and still too young.
    young: VecDeque<(i64, Routes)>,
}

impl Past {
    /// Adds a minute of the history.
    pub(super) fn add(&mut self, routes: Routes) {
        for (route, bins) in routes {
            match self.routes.binary_search_by(|(own, _)| own.cmp(&route)) {
                Ok(at) => self.routes[at].1.merge(&bins),
                Err(at) => self.routes.insert(at, (route, bins)),
            }
        }
    }

    /// Adds a minute of the run that is over for good; minutes come in order.
    pub(super) fn close(&mut self, minute: i64, routes: Routes) {
        self.young.push_back((minute, routes));
        while self.young.front().is_some_and(|(young, _)| *young <= minute - LAG + 1) {
            if let Some((_, routes)) = self.young.pop_front() {
                self.add(routes);
            }
        }
    }

    /// The scores of a route at a minute; `None` where stable has no past there.
    ///
    /// A backend may tell routes apart in one answer and not in the next. Scores are known from the past, whichever it is:
    /// a minute without routes is scored by all of them, and a route by a past that has none.
    pub(super) fn scores(&self, route: &str, minute: i64) -> Option<Scores> {
        self.scores_by(minute, |routes| sum(of(routes, route))).or_else(|| match route {
            "" => self.scores_by(minute, |routes| sum(routes.iter().map(|(_, bins)| bins))),
            _ if self.has_routes(minute) => None,
            _ => self.scores_by(minute, |routes| sum(of(routes, ""))),
        })
    }

    fn scores_by<'a>(&'a self, minute: i64, of: impl Fn(&'a Routes) -> Cow<'a, Sparse>) -> Option<Scores> {
        let old_enough = self.young.iter().filter(|(young, _)| *young <= minute - LAG);
        let young: Vec<Cow<'_, Sparse>> = old_enough.map(|(_, routes)| of(routes)).collect();
        let (base, young) = (of(&self.routes), sum(young.iter().map(Cow::as_ref)));
        (!base.is_empty() || !young.is_empty()).then(|| Scores::new(&base, &young))
    }

    fn has_routes(&self, minute: i64) -> bool {
        let old_enough = self.young.iter().filter(|(young, _)| *young <= minute - LAG);
        let young = old_enough.flat_map(|(_, routes)| routes);
        self.routes.iter().chain(young).any(|(route, _)| !route.is_empty())
    }

    /// How much the mean score grows with the logarithm of the values, over all routes: what a score's
    /// difference is divided by to be a relative one.
    pub(super) fn slope(&self) -> f64 {
        let (mut sum, mut all) = (0.0, 0.0);
        for (_, bins) in self.routes.iter().filter(|(_, bins)| !bins.is_empty()) {
            let scores = Scores::new(bins, &Sparse::default());
            let count = bins.count() as f64;
            let up = 2.0_f64.powf(1.0 / 16.0);
            let mean = |factor: f64| {
                bins.iter()
                    .map(|(bin, n)| scores.exact(number_of(lower(bin) * factor)) * n as f64)
                    .sum::<f64>()
            };
            sum += (mean(up) - mean(1.0)) / up.ln();
            all += count;
        }
        if all > 0.0 { sum / all } else { 0.0 }
    }
}

/// Stable's past distribution: what score a value has, and where its quantiles lie.
#[derive(Debug, Clone)]
pub(super) struct Scores {
    bins: Vec<u32>,
    /// The share below each bin, and 1 at the end.
    below: Vec<f64>,
}

/// Samples by the level of their score, and how many lie at or above each threshold.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    pub(super) levels: [u64; LEVELS],
    pub(super) above: Vec<u64>,
    pub(super) count: u64,
}

impl Scores {
    /// Of a past and what is young of it.
    fn new(base: &Sparse, young: &Sparse) -> Self {
        let total = base.count().saturating_add(young.count()) as f64;
        let most = base.bins() + young.bins();
        let (mut bins, mut below, mut sum) = (Vec::with_capacity(most), Vec::with_capacity(most + 1), 0_u64);
        for (bin, count) in base.both(young) {
            bins.push(bin);
            below.push(sum as f64 / total);
            sum = sum.saturating_add(count);
        }
        below.push(1.0);
        Self { bins, below }
    }

    /// Where at least the percentile's share of the past lies below: a bin.
    pub(super) fn threshold(&self, percentile: Percentile) -> u32 {
        match self.bin(percentile) {
            u32::MAX => u32::MAX,
            bin => after(bin),
        }
    }

    /// The bin that the percentile lies in, for a pass: at least the rest of the past lies at or above it, also where
    /// most of it is one and the same value.
    pub(super) fn bin(&self, percentile: Percentile) -> u32 {
        let share = percentile.percent() / 100.0;
        let at = self.below[1..].partition_point(|&below| below < share - 1e-12);
        self.bins.get(at).copied().unwrap_or(u32::MAX)
    }

    /// Samples, in several blocks, after a monotone map of their bins.
    pub(super) fn tally(&self, blocks: &[&Sparse], thresholds: &[u32], map: impl Fn(u32) -> u32) -> Tally {
        let mut tally = Tally::none(thresholds.len());
        for samples in blocks {
            let mut at = 0;
            for (bin, count) in samples.iter() {
                let bin = map(bin);
                while self.bins.get(at).is_some_and(|&past| past < bin) {
                    at += 1;
                }
                tally.levels[level(self.at(at, bin))] += count;
                tally.count = tally.count.saturating_add(count);
                // Without a branch, which nobody could foretell.
                for (above, &threshold) in tally.above.iter_mut().zip(thresholds) {
                    *above += count * u64::from(bin >= threshold);
                }
            }
        }
        tally
    }

    fn exact(&self, bin: u32) -> f64 {
        self.at(self.bins.partition_point(|&past| past < bin), bin)
    }

    /// The mid-rank of a bin, where it stands among those of the past.
    fn at(&self, at: usize, bin: u32) -> f64 {
        if self.bins.get(at) == Some(&bin) {
            0.5 * (self.below[at] + self.below[at + 1])
        } else {
            self.below[at]
        }
    }
}

fn level(score: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1 times the levels")]
    let level = (score * LEVELS as f64) as usize;
    level.min(LEVELS - 1)
}

/// The score that stands for a level.
pub(super) fn score(level: usize) -> f64 {
    (level as f64 + 0.5) / LEVELS as f64
}

/// Two tracks' samples as the rank test takes them.
pub(super) fn scored(canary: &Tally, stable: &Tally) -> Vec<Scored> {
    let mut all = Vec::with_capacity(LEVELS);
    for (at, (&canary, &stable)) in canary.levels.iter().zip(&stable.levels).enumerate() {
        if canary + stable > 0 {
            all.push(Scored { score: score(at), canary, stable });
        }
    }
    all
}

impl Tally {
    pub(super) fn none(thresholds: usize) -> Self {
        Self { levels: [0; LEVELS], above: vec![0; thresholds], count: 0 }
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (own, other) in self.levels.iter_mut().zip(&other.levels) {
            *own += other;
        }
        for (own, other) in self.above.iter_mut().zip(&other.above) {
            *own += other;
        }
        self.count += other.count;
    }

    /// The sum of all scores.
    pub(super) fn sum(&self) -> f64 {
        self.levels.iter().enumerate().map(|(at, &count)| score(at) * count as f64).sum()
    }

    /// The mean and the variance of the scores.
    pub(super) fn moments(&self) -> (f64, f64) {
        let count = self.count.max(1) as f64;
        let mean = self.sum() / count;
        let squares = self.levels.iter().enumerate().map(|(at, &n)| n as f64 * (score(at) - mean).powi(2));
        (mean, squares.sum::<f64>() / count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a minute is compared by must not know the minute, nor what a late block may still change.
    #[test]
    fn a_minute_is_compared_by_what_is_older_than_the_lag() {
        let at = |value: f64| vec![(String::new(), Sparse::of_samples(&[value; 100]))];
        let mut past = Past::default();
        past.add(at(1.0));
        let median = |past: &Past, minute| lower(past.scores("", minute).unwrap().threshold(Percentile::P50));
        past.close(10, at(8.0));
        assert!(median(&past, 10 + LAG - 1) < 2.0, "minute 10 is too young");
        past.close(11, at(8.0));
        past.close(12, at(8.0));
        assert!(median(&past, 12 + LAG) > 7.0);
    }

    #[test]
    fn a_past_with_routes_scores_a_minute_without_and_the_other_way_round() {
        let past = |routes: &[(&str, f64)]| {
            let mut past = Past::default();
            let bins = |value: f64| Sparse::of_samples(&[value; 100]);
            past.add(routes.iter().map(|(route, value)| ((*route).to_owned(), bins(*value))).collect());
            past
        };
        let apart = past(&[("/a", 1.0), ("/b", 8.0)]);
        let p95 = apart.scores("", 9).unwrap().threshold(Percentile::P95);
        assert!(lower(p95) > 7.0, "both routes");
        assert!(apart.scores("/new", 9).is_none(), "a new route has no past");
        assert!(past(&[("", 1.0)]).scores("/a", 9).is_some());
    }
}
