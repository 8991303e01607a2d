/// All differences canary − stable, as a matrix that is never built: its rows are the canary's
/// measurements, its columns stable's in descending order, so that each row and column ascends (rounding a
/// difference keeps the order). Selection narrows the candidates between two of a sample of them, as Floyd
/// and Rivest ("Expected time bounds for selection", 1975) do, and counts along the staircase how many of all
/// lie below either: the sample says where to look, and the counts alone what is found. Expected O(N), as each
/// round leaves about one of √N candidates.
#[derive(Debug)]
pub(super) struct Differences<'a> {
    /// Both ascend.
    stable: &'a [f64],
    canary: &'a [f64],
}

/// Of each row, the columns where the wanted difference may be: from, to.
struct Candidates {
    from: Vec<usize>,
    to: Vec<usize>,
    /// How many differences are known to be smaller.
    smaller: usize,
    /// How many candidates there are.
    left: usize,
}

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
        let upper = if last.is_multiple_of(2) { lower } else { self.next(lower, last / 2)? };
        Some(lower / 2.0 + upper / 2.0)
    }

    /// The difference of the rank after this one's.
    fn next(&self, value: f64, rank: usize) -> Option<f64> {
        let mut up_to = vec![0; self.canary.len()];
        if self.columns(&mut up_to, |difference| difference <= value) > rank + 1 {
            return Some(value);
        }
        let larger = self.canary.iter().zip(up_to).filter_map(|(&row, column)| self.at(row, column));
        larger.min_by(f64::total_cmp)
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
        let (rows, columns) = (self.canary.len(), self.stable.len());
        let mut candidates =
            Candidates { from: vec![0; rows], to: vec![columns; rows], smaller: 0, left: self.count() };
        let (mut up_to, mut below) = (vec![0; rows], vec![0; rows]);
        let mut random = 1;
        while candidates.left > 4 * (rows + columns) {
            let mut sample = self.sample(&candidates, &mut random);
            let [low, high] =
                bracket(&mut sample, (rank - candidates.smaller) as f64 / candidates.left as f64)?;
            let count_up_to = self.columns(&mut up_to, |difference| difference <= low);
            if rank < count_up_to {
                let count_below = self.columns(&mut below, |difference| difference < low);
                if rank >= count_below {
                    return Some(low);
                }
                candidates.end_at(&mut below, count_below);
                continue;
            }
            candidates.begin_at(&mut up_to, count_up_to);
            let count_below = self.columns(&mut below, |difference| difference < high);
            if rank < count_below {
                candidates.end_at(&mut below, count_below);
                continue;
            }
            let count_up_to = self.columns(&mut up_to, |difference| difference <= high);
            if rank < count_up_to {
                return Some(high);
            }
            candidates.begin_at(&mut up_to, count_up_to);
        }
        self.select_from(&candidates, rank - candidates.smaller)
    }

    /// One of each so many candidates, as many as half of all measurements. Their places are drawn within
    /// each step, so that they hit no pattern of rows and columns.
    fn sample(&self, candidates: &Candidates, random: &mut u64) -> Vec<f64> {
        let wanted = (self.canary.len() + self.stable.len()) / 2 + 1;
        let step = (candidates.left / wanted).max(1);
        let mut place = || {
            *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from((u128::from(*random) * step as u128) >> 64).unwrap_or(0)
        };
        let mut sample = Vec::with_capacity(candidates.left / step + 1);
        let (mut stratum, mut next, mut before) = (0, place(), 0);
        for (&row, (&from, &to)) in self.canary.iter().zip(candidates.from.iter().zip(&candidates.to)) {
            let end = before + to - from;
            while next < end {
                sample.extend(self.at(row, from + next - before));
                stratum += step;
                next = stratum + place();
            }
            before = end;
        }
        sample
    }

    /// The difference of this rank among the candidates alone.
    fn select_from(&self, candidates: &Candidates, rank: usize) -> Option<f64> {
        let mut left = Vec::with_capacity(candidates.left);
        for (&row, (&from, &to)) in self.canary.iter().zip(candidates.from.iter().zip(&candidates.to)) {
            left.extend((from..to).filter_map(|column| self.at(row, column)));
        }
        (rank < left.len()).then(|| *left.select_nth_unstable_by(rank, f64::total_cmp).1)
    }

    /// Of each row, how many of its first columns satisfy what no difference satisfies that is larger than
    /// one which does not; and the sum. One walk along the staircase.
    fn columns(&self, counts: &mut [usize], holds: impl Fn(f64) -> bool) -> usize {
        let (mut skipped, mut sum) = (0, 0);
        for (&row, count) in self.canary.iter().zip(counts) {
            // Larger rows have fewer: what failed in a smaller row fails in this one.
            while self.stable.get(skipped).is_some_and(|stable| !holds(row - stable)) {
                skipped += 1;
            }
            *count = self.stable.len() - skipped;
            sum += *count;
        }
        sum
    }
}

impl Candidates {
    /// Only the first columns, so many of each row, are left.
    fn end_at(&mut self, counts: &mut Vec<usize>, sum: usize) {
        std::mem::swap(&mut self.to, counts);
        self.left = sum - self.smaller;
    }

    /// These first columns are no candidates any more.
    fn begin_at(&mut self, counts: &mut Vec<usize>, sum: usize) {
        std::mem::swap(&mut self.from, counts);
        self.left -= sum - self.smaller;
        self.smaller = sum;
    }
}

/// Two of a sample between which the value at this share of all lies, as good as certainly: 2.5 standard
/// deviations to either side.
fn bracket(sample: &mut [f64], share: f64) -> Option<[f64; 2]> {
    let size = sample.len() as f64;
    let spread = 2.5 * (size * share * (1.0 - share)).sqrt() + 1.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a place")]
    let place = |place: f64| place.clamp(0.0, size - 1.0) as usize;
    let [low, high] = [place(size * share - spread), place(size * share + spread)];
    if sample.is_empty() {
        return None;
    }
    let (_, &mut low_value, above) = sample.select_nth_unstable_by(low, f64::total_cmp);
    let Some(high) = (high - low).checked_sub(1) else { return Some([low_value; 2]) };
    Some([low_value, *above.select_nth_unstable_by(high, f64::total_cmp).1])
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    proptest! {
        /// From few distinct measurements, which tie, to as many as there are; so many that some rounds pass
        /// before the candidates are few.
        #[test]
        fn the_difference_of_each_rank_is_the_one_in_the_sorted_matrix(
            stable in vec(0_u32..1_000_000, 1..400), canary in vec(0_u32..1_000_000, 1..400),
            distinct in 1_u32..1_000_000, ranks in vec(0_usize..160_000, 5), far in 0_u32..2_000_000,
        ) {
            let ascending = |values: Vec<u32>, shift: u32| {
                let mut values: Vec<_> = values.into_iter().map(|x| f64::from(x % distinct + shift)).collect();
                values.sort_by(f64::total_cmp);
                values
            };
            let (stable, canary) = (ascending(stable, 0), ascending(canary, far));
            let mut all: Vec<_> = canary.iter().flat_map(|c| stable.iter().map(move |s| c - s)).collect();
            all.sort_by(f64::total_cmp);
            let differences = Differences::new(&stable, &canary);
            let last = all.len() - 1;
            prop_assert_eq!(differences.median(), Some((all[last / 2] + all[last.div_ceil(2)]) / 2.0));
            for rank in ranks.into_iter().map(|rank| rank % all.len()).chain([0, last]) {
                prop_assert_eq!(differences.select(rank), Some(all[rank]));
            }
        }
    }
}
