use std::collections::BTreeMap;
use std::ops::Range;

use super::gathered::{Reading, Stop};
use super::minute::Minute;
use super::room::Room;
use super::{Limits, ServiceStats};

/// What was heard of one service, in its own room: nothing that is said of another one changes it.
#[derive(Debug)]
pub(super) struct Service {
    minutes: BTreeMap<i64, Minute>,
    taken: Room,
    /// The first minute that is known: what was measured before is lost.
    since: i64,
    stats: ServiceStats,
}

impl Service {
    /// One of which nothing was heard, and is known from that minute on.
    pub(super) fn new(since: i64) -> Self {
        Self { minutes: BTreeMap::new(), taken: Room::default(), since, stats: ServiceStats::default() }
    }

    pub(super) fn since(&self) -> i64 {
        self.since
    }

    pub(super) fn stats(&self) -> &ServiceStats {
        &self.stats
    }

    pub(super) fn is_empty(&self) -> bool {
        self.minutes.is_empty()
    }

    pub(super) fn minutes(&self, range: Range<i64>) -> impl Iterator<Item = (i64, &Minute)> {
        let heard = self.minutes.range(range.start..range.end.max(range.start));
        heard.map(|(&minute, heard)| (minute, heard))
    }

    /// The value that the gauge `key` of a metric had last before `minute`.
    pub(super) fn last(&self, minute: i64, metric: usize, key: &str) -> Option<f64> {
        self.minutes.range(..minute).rev().find_map(|(_, heard)| heard.last(metric, key))
    }

    /// Begins `minute` and forgets those before `kept`.
    pub(super) fn begin(&mut self, minute: i64, kept: i64, metrics: usize) {
        if self.minutes.contains_key(&minute) {
            return;
        }
        self.forget_before(kept);
        self.minutes.insert(minute, Minute::new(metrics));
    }

    /// Forgets the minutes before `kept`, which are over for everybody.
    pub(super) fn forget_before(&mut self, kept: i64) {
        while self.minutes.first_key_value().is_some_and(|(&oldest, _)| oldest < kept) {
            let oldest = self.minutes.pop_first();
            self.taken -= oldest.map(|(_, minute)| minute.taken()).unwrap_or_default();
        }
    }

    /// Whether the metric is refused for the rest of `minute`; if so, that is one line more.
    pub(super) fn refuses(&mut self, minute: i64, metric: usize) -> bool {
        let refuses = self.minutes.get_mut(&minute).is_none_or(|heard| heard.refuses(metric));
        if refuses {
            self.stats.refused = self.stats.refused.saturating_add(1);
        }
        refuses
    }

    /// Adds the readings of a line to the block `key` of a metric. `None` when they were refused.
    pub(super) fn add<'a>(
        &mut self,
        (minute, metric, key): (i64, usize, &str),
        readings: impl Iterator<Item = Reading<'a>>,
        share: Room,
        limits: &Limits,
    ) -> Option<()> {
        for reading in readings {
            if self.add_one((minute, metric, key), reading, share, limits).is_none() {
                self.refuse(minute, metric);
                self.refuses(minute, metric);
                return None;
            }
        }
        Some(())
    }

    fn add_one(
        &mut self,
        (minute, metric, key): (i64, usize, &str),
        reading: Reading<'_>,
        share: Room,
        limits: &Limits,
    ) -> Option<()> {
        let mut granted = Room::default();
        loop {
            let heard = self.minutes.get_mut(&minute)?;
            match heard.add((metric, key), reading, &mut granted, limits) {
                Ok(()) => return Some(()),
                Err(Stop::Refused) => return None,
                Err(Stop::Needs(more)) => {
                    self.make_room(minute, metric, more, share)?;
                    granted = more;
                }
            }
        }
    }

    /// Takes `more` room for a metric. Where the minute has its part, the metric that takes the most of it is refused;
    /// where the share is full, the oldest minute goes. `None` when it is this metric that is refused.
    fn make_room(&mut self, minute: i64, metric: usize, more: Room, share: Room) -> Option<()> {
        let most = share.of_a_minute();
        while let Some(of) = self.minutes.get(&minute)?.taken().and(more).beyond(most) {
            let greediest = self.minutes.get(&minute)?.greediest(metric, more, of);
            self.refuse(minute, greediest);
            if greediest == metric {
                return None;
            }
        }
        self.fit(share, more, minute)?;
        self.minutes.get_mut(&minute)?.take(metric, more);
        self.taken += more;
        Some(())
    }

    /// Gives up its oldest minutes until `more` fits in `share` too. `None` when only those since `minute` are left.
    pub(super) fn fit(&mut self, share: Room, more: Room, minute: i64) -> Option<()> {
        while self.taken.and(more).beyond(share).is_some() {
            let (&oldest, _) = self.minutes.first_key_value().filter(|(oldest, _)| **oldest < minute)?;
            self.forget_before(oldest.saturating_add(1));
            self.since = oldest.saturating_add(1);
            self.stats.minutes_dropped = self.stats.minutes_dropped.saturating_add(1);
        }
        Some(())
    }

    fn refuse(&mut self, minute: i64, metric: usize) {
        if let Some(heard) = self.minutes.get_mut(&minute) {
            self.taken -= heard.refuse(metric);
        }
    }
}
