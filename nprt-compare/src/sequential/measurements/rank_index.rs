use std::sync::LazyLock;

use crate::sketch::{Sparse, lower, middle, upper};
use crate::statistics::band::TimeUniformBand;
use crate::{Banded, Percentile};

/// The error level of bands; two tracks have half of it each.
pub(super) const BAND: f64 = 0.05;

/// Samples in their order, by bin: which one has which rank.
#[derive(Debug)]
pub(super) struct RankIndex {
    /// A bin, and how many samples lie in it or below.
    up_to: Vec<(u32, u64)>,
}

impl RankIndex {
    pub(super) fn new(closed: &Sparse, young: &Sparse) -> Self {
        let mut up_to = Vec::with_capacity(closed.bins() + young.bins());
        let mut sum = 0_u64;
        for (bin, count) in closed.both(young) {
            sum = sum.saturating_add(count);
            up_to.push((bin, sum));
        }
        Self { up_to }
    }

    fn count(&self) -> u64 {
        self.up_to.last().map_or(0, |(_, count)| *count)
    }

    /// The bin of a rank, from 1.
    fn at(&self, rank: u64) -> Option<u32> {
        let at = self.up_to.partition_point(|(_, count)| *count < rank);
        self.up_to.get(at).map(|(bin, _)| *bin)
    }

    /// A quantile, the middle of its bin, with a band that holds at all times.
    pub(super) fn quantile(&self, percentile: Percentile) -> Option<Banded> {
        static HALF: LazyLock<Option<TimeUniformBand>> =
            LazyLock::new(|| TimeUniformBand::new(BAND / 2.0, 20).ok());
        let count = self.count();
        let bin = self.at(percentile.rank(count).max(1))?;
        let (low, high) = HALF.map_or((None, None), |band| band.ranks(percentile, count));
        Some(Banded {
            at: middle(bin),
            low: low.and_then(|rank| self.at(rank)).map(lower),
            high: high.and_then(|rank| self.at(rank)).map(upper),
        })
    }
}
