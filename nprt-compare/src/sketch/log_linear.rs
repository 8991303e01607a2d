use nprt_core::verdict::Percentile;
use serde::{Deserialize, Serialize};

use super::edge::{Bin, END, Edge, NORMAL, bin_of};
use super::form::Form;
use super::joint::{JointBin, joint};
use super::pages::Pages;
use super::rejected::Rejected;

/// Counts of samples in the log-linear bins of [this module](super).
///
/// Two sketches are equal when they hold the same counts, whatever way they came by them. Serialised it is
/// small and versioned: `{"version": 1, "rejected": {…}, "bins": [gap, count, gap, count, …]}`, where a gap
/// is how much higher the number of a bin is than that of the one before it (of the first: its number), and
/// the number of a bin are the upper 19 bits of the floats in it, 0 for zero. What was not written by this
/// version, or is out of order, is refused.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Sketch {
    pub(super) zeros: u64,
    pub(super) pages: Pages,
    pub(super) rejected: Rejected,
}

impl Sketch {
    /// One without samples; it allocates nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a sample, or rejects it: [`Sketch::rejected`]. It allocates only for the first sample of a
    /// page of 64 bins.
    #[inline]
    pub fn add(&mut self, value: f64) {
        match self.pages.get_mut(bin_of(value)) {
            Some(count) => *count = count.saturating_add(1),
            None => self.add_outside(value),
        }
    }

    /// What no page takes that is there.
    #[inline(never)]
    fn add_outside(&mut self, value: f64) {
        if value == 0.0 {
            self.zeros = self.zeros.saturating_add(1);
        } else if bin_of(value) < END {
            self.add_to_bin(bin_of(value), 1);
        } else {
            self.rejected.add(value);
        }
    }

    /// Adds to a bin of finite numbers.
    pub(super) fn add_to_bin(&mut self, bin: u32, count: u64) {
        if bin < NORMAL {
            self.zeros = self.zeros.saturating_add(count);
        } else {
            self.pages.add(bin, count);
        }
    }

    /// Adds all that another counted: the same as adding its samples one by one. Any number of sketches,
    /// merged in any order, give the same.
    pub fn merge(&mut self, other: &Self) {
        self.zeros = self.zeros.saturating_add(other.zeros);
        self.pages.merge(&other.pages);
        self.rejected.merge(other.rejected);
    }

    /// How many samples there are; rejected values are none. It adds up the bins.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count_at_or_above(Edge::ZERO)
    }

    /// How many samples lie at or above the edge: exact.
    #[must_use]
    pub fn count_at_or_above(&self, edge: Edge) -> u64 {
        let zeros = if edge == Edge::ZERO { self.zeros } else { 0 };
        self.pages.sum_from(edge.bin()).saturating_add(zeros)
    }

    /// What was not counted, and why.
    #[must_use]
    pub fn rejected(&self) -> Rejected {
        self.rejected
    }

    /// The bin that holds the percentile by nearest rank, `None` of no samples. The sample itself lies at or
    /// above its `lower` edge and below its `upper` one; at least the percentile's share of the samples lies
    /// below `upper`, and less than it below `lower`.
    #[must_use]
    pub fn quantile(&self, percentile: Percentile) -> Option<Bin> {
        let rank = percentile.rank(self.count());
        let mut below = 0_u64;
        self.bins().find(|bin| {
            below = below.saturating_add(bin.count);
            below >= rank
        })
    }

    /// The bins that hold samples, ascending.
    pub fn bins(&self) -> impl Iterator<Item = Bin> + '_ {
        self.numbered().map(|(bin, count)| Bin::new(bin, count))
    }

    /// The bins that hold samples of either, ascending, with the counts of both: the classes of ties that a
    /// rank test works on, with every sample of a bin taken as equal.
    ///
    /// ```
    /// use nprt_compare::sketch::Sketch;
    /// let stable: Sketch = [0.1, 0.2, 0.2].into_iter().collect();
    /// let canary: Sketch = [0.2, 0.3].into_iter().collect();
    /// let (mut below, mut midranks) = (0, Vec::new());
    /// for bin in stable.joint(&canary) {
    ///     let tied = bin.first + bin.second;
    ///     midranks.push((bin.second, below as f64 + (tied + 1) as f64 / 2.0));
    ///     below += tied;
    /// }
    /// // Of the canary's samples one shares the ranks 2 to 4 and one has the rank 5.
    /// assert_eq!(midranks, [(0, 1.0), (1, 3.0), (1, 5.0)]);
    /// ```
    pub fn joint<'a>(&'a self, second: &'a Self) -> impl Iterator<Item = JointBin> + 'a {
        joint(self.bins(), second.bins())
    }

    /// The number and count of each bin that holds samples, ascending.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        let zeros = (self.zeros > 0).then_some((0, self.zeros));
        zeros.into_iter().chain(self.pages.counts())
    }
}

impl Extend<f64> for Sketch {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, values: I) {
        for value in values {
            self.add(value);
        }
    }
}

impl FromIterator<f64> for Sketch {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut sketch = Self::new();
        sketch.extend(values);
        sketch
    }
}
