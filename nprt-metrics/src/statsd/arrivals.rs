use std::collections::BTreeMap;
use std::ops::Range;

use super::aggregator::Now;

/// How many datagrams came in each minute, and how many of it the kernel dropped: those may have been of any service.
#[derive(Debug, Default)]
pub(super) struct Arrivals(BTreeMap<i64, Arrived>);

/// Those of a minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Arrived {
    pub(super) received: u64,
    pub(super) dropped: u64,
}

/// Drops are looked for once a second: those of the end of a minute are known when the next one runs.
const LATE: i64 = 2;

impl Arrivals {
    pub(super) fn received(&mut self, now: Now, datagrams: u64) {
        let arrived = self.0.entry(now.minute).or_default();
        arrived.received = arrived.received.saturating_add(datagrams);
    }

    /// Notes drops of the last second, which may be of the minute before as well.
    pub(super) fn dropped(&mut self, now: Now, datagrams: u64) {
        let is_late = now.second.rem_euclid(60) <= LATE;
        for minute in now.minute.saturating_sub(i64::from(is_late))..=now.minute {
            let arrived = self.0.entry(minute).or_default();
            arrived.dropped = arrived.dropped.saturating_add(datagrams);
        }
    }

    pub(super) fn forget_before(&mut self, kept: i64) {
        self.0 = self.0.split_off(&kept);
    }

    /// The minutes of the range in which some were dropped.
    pub(super) fn with_drops(&self, minutes: Range<i64>) -> impl Iterator<Item = (i64, Arrived)> {
        let range = minutes.start..minutes.end.max(minutes.start);
        let all = self.0.range(range).filter(|(_, arrived)| arrived.dropped > 0);
        all.map(|(minute, arrived)| (*minute, *arrived))
    }
}

impl Arrived {
    /// How many of `points` that were kept may be missing beside them.
    pub(super) fn missing(self, points: u64) -> u64 {
        let missing = u128::from(points.max(1)) * u128::from(self.dropped) / u128::from(self.received.max(1));
        u64::try_from(missing).unwrap_or(u64::MAX).max(1)
    }
}
