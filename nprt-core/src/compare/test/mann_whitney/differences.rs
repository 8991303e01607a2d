use std::cmp::Ordering;

/// All differences canary − stable, as a matrix that is never built: its rows are the canary's
/// measurements, its columns stable's in descending order, so that each row and column ascends (rounding a
/// difference keeps the order). Selection follows Johnson and Mizoguchi ("Selecting the Kth element in X+Y",
/// 1978): a weighted median of the rows' medians rules out a quarter of the candidates each time, in O(N).
#[derive(Debug)]
pub(super) struct Differences<'a> {
    /// Both ascend.
    stable: &'a [f64],
    canary: &'a [f64],
}

/// A row's median among its candidates, and how many they are.
type Weighted = (f64, usize);

impl<'a> Differences<'a> {
    pub(super) fn new(stable: &'a [f64], canary: &'a [f64]) -> Self {
        Self { stable, canary }
    }

    fn count(&self) -> usize {
        self.stable.len() * self.canary.len()
    }

    pub(super) fn are_finite(&self) -> bool {
        let ends = [(self.canary.first(), self.stable.last()), (self.canary.last(), self.stable.first())];
        ends.into_iter().all(|ends| matches!(ends, (Some(a), Some(b)) if (a - b).is_finite()))
            || self.count() == 0
    }

    /// The median; the mean of the two in the middle where their number is even.
    pub(super) fn median(&self) -> Option<f64> {
        let last = self.count().checked_sub(1)?;
        let lower = self.select(last / 2)?;
        let upper = if last.is_multiple_of(2) { lower } else { self.select(last / 2 + 1)? };
        Some(lower / 2.0 + upper / 2.0)
    }

    /// The `k`-th smallest and the `k`-th largest, from 1; `None` for 0.
    pub(super) fn between(&self, k: usize) -> Option<[f64; 2]> {
        let lower = k.checked_sub(1)?;
        Some([self.select(lower)?, self.select(self.count().checked_sub(k)?)?])
    }

    fn at(&self, row: f64, column: usize) -> Option<f64> {
        Some(row - self.stable.get(self.stable.len().checked_sub(column + 1)?)?)
    }

    /// The difference of this rank, from 0.
    fn select(&self, rank: usize) -> Option<f64> {
        // Of each row, the columns where the wanted one may be: from, to.
        let mut candidates = vec![(0, self.stable.len()); self.canary.len()];
        let mut medians: Vec<Weighted> = Vec::with_capacity(self.canary.len());
        loop {
            let ruled_out: usize = candidates.iter().map(|(from, _)| from).sum();
            let left = candidates.iter().map(|(_, to)| to).sum::<usize>() - ruled_out;
            if left <= self.stable.len() + self.canary.len() {
                return self.select_from(&candidates, rank - ruled_out);
            }
            medians.clear();
            for (&row, &(from, to)) in self.canary.iter().zip(&candidates).filter(|(_, (from, to))| from < to)
            {
                medians.push((self.at(row, from + (to - from) / 2)?, to - from));
            }
            let pivot = weighted_median(&mut medians)?;
            // The median is itself a candidate, so that each time at least one is ruled out.
            let below = self.columns(|difference| difference < pivot);
            if rank < below.iter().sum() {
                candidates.iter_mut().zip(below).for_each(|((_, to), below)| *to = below.min(*to));
                continue;
            }
            let up_to = self.columns(|difference| difference <= pivot);
            if rank < up_to.iter().sum() {
                return Some(pivot);
            }
            candidates.iter_mut().zip(up_to).for_each(|((from, _), up_to)| *from = up_to.max(*from));
        }
    }

    /// The difference of this rank among the candidates alone.
    fn select_from(&self, candidates: &[(usize, usize)], rank: usize) -> Option<f64> {
        let rows = self.canary.iter().zip(candidates);
        let mut left: Vec<_> = rows
            .flat_map(|(&row, &(from, to))| (from..to).filter_map(move |column| self.at(row, column)))
            .collect();
        (rank < left.len()).then(|| *left.select_nth_unstable_by(rank, f64::total_cmp).1)
    }

    /// Of each row, how many of its first columns satisfy what no difference satisfies that is larger than
    /// one which does not. One walk along the staircase.
    fn columns(&self, holds: impl Fn(f64) -> bool) -> Vec<usize> {
        let mut columns = self.stable.iter().peekable();
        let mut skipped = 0;
        let count = |&row: &f64| {
            // Larger rows have fewer: what failed in a smaller row fails in this one.
            while columns.next_if(|&&stable| !holds(row - stable)).is_some() {
                skipped += 1;
            }
            self.stable.len() - skipped
        };
        self.canary.iter().map(count).collect()
    }
}

/// The smallest value at which half of the weight is reached, in expected O(n).
fn weighted_median(mut values: &mut [Weighted]) -> Option<f64> {
    let mut wanted = values.iter().map(|(_, weight)| weight).sum::<usize>().div_ceil(2);
    loop {
        let middle = values.len() / 2;
        if middle == 0 {
            return values.first().map(|(value, _)| *value);
        }
        let (lower, &mut (value, weight), upper) = values.select_nth_unstable_by(middle, by_value);
        let below: usize = lower.iter().map(|(_, weight)| weight).sum();
        if wanted <= below {
            values = lower;
        } else if wanted <= below + weight {
            return Some(value);
        } else {
            wanted -= below + weight;
            values = upper;
        }
    }
}

fn by_value(a: &Weighted, b: &Weighted) -> Ordering {
    a.0.total_cmp(&b.0)
}
