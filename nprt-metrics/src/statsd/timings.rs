use super::bins::{Bins, Scratch, bin_of};

/// The samples of a block: as they came while they are few, then counts in the bins of a sketch.
#[derive(Debug, Default)]
pub(super) struct Timings {
    /// As they came, all sampled at the same rate.
    recent: Vec<f64>,
    /// How many measurements each of them stands for.
    weight: f64,
    /// The part of a measurement that is not counted yet.
    carry: f64,
    bins: Bins,
}

/// So many samples wait to be counted together.
const MOST_RECENT: usize = 64;
/// So many are kept as they came when the minute is over.
const MOST_EXACT: usize = 8;

impl Timings {
    /// Adds a sample that stands for `weight` measurements.
    #[inline]
    pub(super) fn add(&mut self, sample: f64, weight: f64, scratch: &mut Scratch) {
        if self.weight.to_bits() != weight.to_bits() || self.recent.len() == self.recent.capacity() {
            self.prepare(weight, scratch);
        }
        self.recent.push(sample);
    }

    /// Makes space for a sample of this weight.
    #[inline(never)]
    fn prepare(&mut self, weight: f64, scratch: &mut Scratch) {
        let is_other = self.weight.to_bits() != weight.to_bits() && !self.recent.is_empty();
        if is_other || self.recent.len() >= MOST_RECENT {
            self.count(scratch);
        }
        self.weight = weight;
        if self.recent.len() == self.recent.capacity() {
            self.recent.reserve_exact(self.recent.capacity().clamp(4, MOST_RECENT));
        }
    }

    /// Bytes outside of itself.
    pub(super) fn bytes(&self) -> usize {
        self.recent.capacity() * size_of::<f64>() + self.bins.capacity()
    }

    /// The samples as they came, where each stands for itself and they are few.
    pub(super) fn exact(&self) -> Option<&[f64]> {
        let is_exact = self.bins.is_empty() && self.recent.len() <= MOST_EXACT;
        (is_exact && self.weight.to_bits() == 1.0_f64.to_bits()).then_some(&self.recent)
    }

    /// All as counts.
    pub(super) fn bins(&mut self, scratch: &mut Scratch) -> &Bins {
        self.count(scratch);
        &self.bins
    }

    /// Counts the recent samples, each for as many measurements as it stands for. Parts of a measurement are carried over,
    /// so that all in all less than one is missing or too many.
    fn count(&mut self, scratch: &mut Scratch) {
        self.recent.sort_unstable_by(f64::total_cmp);
        let shift = self.bins.shift();
        let mut before = 0;
        let counts = scratch.counts();
        let all = |samples: usize| (samples as f64).mul_add(self.weight, self.carry);
        for (i, &sample) in self.recent.iter().enumerate() {
            let until = whole(all(i + 1).round());
            let bin = bin_of(sample, shift);
            match counts.last_mut() {
                Some((last, sum)) if *last == bin => *sum += until - before,
                _ => counts.push((bin, until - before)),
            }
            before = until;
        }
        // Between minus one half and one half, where nothing is lost to rounding.
        self.carry = all(self.recent.len()) - before as f64;
        self.recent.clear();
        self.bins.add(scratch);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "from 0 to 64 times the largest weight"
)]
fn whole(count: f64) -> u64 {
    count as u64
}
