use nprt_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::edge::{END, NORMAL, bin_of};
use super::{Edge, Sketch};

/// The counts of a [`Sketch`] without its pages, for what is kept long and read in order: 8 bytes a bin. The count of
/// a bin stops at 2^32 − 1.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Sketch", into = "Sketch")]
pub(crate) struct Sparse {
    /// Ascending.
    bins: Vec<u32>,
    counts: Vec<u32>,
}

impl Sparse {
    /// Of samples that are finite and not negative.
    pub(crate) fn of_samples(samples: &[f64]) -> Self {
        let normal = |&sample: &f64| bin_of(sample.abs());
        let mut bins: Vec<u32> =
            samples.iter().map(normal).map(|bin| if bin < NORMAL { 0 } else { bin }).collect();
        bins.sort_unstable();
        // Kept for minutes, by the ten thousand: no larger than it must be.
        let distinct = bins.chunk_by(|a, b| a == b).count();
        let mut sparse = Self { bins: Vec::with_capacity(distinct), counts: Vec::with_capacity(distinct) };
        for chunk in bins.chunk_by(|a, b| a == b) {
            sparse.push(chunk[0], chunk.len() as u64);
        }
        sparse
    }

    /// Adds a bin above all that are there.
    pub(super) fn push(&mut self, bin: u32, count: u64) {
        if count > 0 {
            self.bins.push(bin);
            self.counts.push(short(count));
        }
    }

    /// Adds the counts of another.
    pub(crate) fn merge(&mut self, other: &Self) {
        if self.bins.is_empty() {
            self.clone_from(other);
            return;
        }
        // Where nothing is new, which is the usual case of a long past, counts are added in place.
        let mut at = 0;
        let is_new = |bin: &&u32| {
            while self.bins.get(at).is_some_and(|own| own < *bin) {
                at += 1;
            }
            self.bins.get(at) != Some(*bin)
        };
        let new = other.bins.iter().filter(is_new).count();
        if new == 0 {
            let mut at = 0;
            for (bin, count) in other.iter() {
                while self.bins[at] < bin {
                    at += 1;
                }
                self.counts[at] = self.counts[at].saturating_add(short(count));
            }
            return;
        }
        self.merge_new(other, new);
    }

    /// Merges from the highest bin down, in place, where so many bins are new.
    fn merge_new(&mut self, other: &Self, new: usize) {
        let (mut own, mut their) = (self.bins.len(), other.bins.len());
        let mut to = own + new;
        if self.bins.capacity() < to {
            // Some room, so that a long past is seldom moved, and little is wasted.
            let more = new + own / 8;
            self.bins.reserve_exact(more);
            self.counts.reserve_exact(more);
        }
        self.bins.resize(to, 0);
        self.counts.resize(to, 0);
        while their > 0 {
            to -= 1;
            let bin = other.bins[their - 1];
            let above = own > 0 && self.bins[own - 1] > bin;
            let same = own > 0 && self.bins[own - 1] == bin;
            let mut found = (bin, 0_u32);
            if above || same {
                own -= 1;
                found = (self.bins[own], self.counts[own]);
            }
            if !above {
                their -= 1;
                found.1 = found.1.saturating_add(other.counts[their]);
            }
            (self.bins[to], self.counts[to]) = found;
        }
    }

    /// The counts of both together by bin, ascending, as if they were merged.
    pub(crate) fn both<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (u32, u64)> + 'a {
        let (mut own, mut their) = (0, 0);
        std::iter::from_fn(move || {
            let bin = match (self.bins.get(own), other.bins.get(their)) {
                (Some(&a), Some(&b)) => a.min(b),
                (Some(&bin), None) | (None, Some(&bin)) => bin,
                (None, None) => return None,
            };
            let mut sum = 0_u64;
            for (sparse, at) in [(self, &mut own), (other, &mut their)] {
                if sparse.bins.get(*at) == Some(&bin) {
                    sum = sum.saturating_add(u64::from(sparse.counts[*at]));
                    *at += 1;
                }
            }
            Some((bin, sum))
        })
    }

    /// How many bins hold samples.
    pub(crate) fn bins(&self) -> usize {
        self.bins.len()
    }

    /// Each bin's number and count, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.bins.iter().copied().zip(self.counts.iter().map(|&count| u64::from(count)))
    }

    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum: u64, &count| sum.saturating_add(u64::from(count)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bins.is_empty()
    }

    /// The only bin, if all samples are in one.
    pub(crate) fn only_bin(&self) -> Option<u32> {
        if let [bin] = self.bins[..] { Some(bin) } else { None }
    }

    /// The sum of the samples, each taken to lie in the middle of its bin, and how many there are.
    pub(crate) fn total(&self) -> (f64, u64) {
        let sum = self.iter().fold(0.0, |sum, (bin, count)| middle(bin).mul_add(count as f64, sum));
        (sum, self.count())
    }

    /// As a sketch.
    pub(crate) fn to_sketch(&self) -> Sketch {
        let mut sketch = Sketch::new();
        for (bin, count) in self.iter() {
            sketch.add_to_bin(bin, count);
        }
        sketch
    }
}

impl From<Sparse> for Sketch {
    fn from(sparse: Sparse) -> Self {
        sparse.to_sketch()
    }
}

impl TryFrom<Sketch> for Sparse {
    type Error = Error;

    fn try_from(sketch: Sketch) -> Result<Self> {
        if sketch.rejected().total() > 0 {
            return Err(Error::invalid("sketch.read", "expected a sketch without rejected values"));
        }
        let mut sparse = Self::default();
        for (bin, count) in sketch.numbered() {
            sparse.push(bin, count);
        }
        Ok(sparse)
    }
}

/// The bin of a value that is finite and not negative; one below 0 is in that of zero.
pub(crate) fn number_of(value: f64) -> u32 {
    let bin = bin_of(value.max(0.0));
    if bin < NORMAL { 0 } else { bin.min(END - 1) }
}

/// Where a bin begins.
pub(crate) fn lower(bin: u32) -> f64 {
    Edge::of_bin(bin).value()
}

/// Where the bin after it begins; of the last one, the largest number.
pub(crate) fn upper(bin: u32) -> f64 {
    lower(after(bin)).min(f64::MAX)
}

/// The bin after it.
pub(crate) fn after(bin: u32) -> u32 {
    (bin + 1).max(NORMAL)
}

fn short(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Where its samples are taken to lie: halfway, and those of the lowest bin at 0.
pub(crate) fn middle(bin: u32) -> f64 {
    if bin < NORMAL { 0.0 } else { 0.5 * lower(bin) + 0.5 * upper(bin) }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn it_counts_as_the_sketch_does(a in vec(0.0_f64..1e3, 0..300), b in vec(1e-300_f64..1e12, 0..300)) {
            let mut merged = Sparse::of_samples(&a);
            merged.merge(&Sparse::of_samples(&b));
            let whole: Sketch = a.iter().chain(&b).copied().collect();
            prop_assert_eq!(merged.to_sketch(), whole.clone());
            prop_assert_eq!(Sparse::try_from(whole).unwrap(), merged);
        }
    }
}
