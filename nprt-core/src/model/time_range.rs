use std::ops::Range;
use std::time::Duration;

use jiff::Timestamp;

use super::Block;
use crate::{Error, Result};

/// A stretch of time, `[start, end)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeRange {
    start: Timestamp,
    end: Timestamp,
}

impl TimeRange {
    /// From `start` to `end`, without `end`.
    ///
    /// # Errors
    /// `Invalid` when `end` lies before `start`.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self> {
        if end < start {
            return Err(Error::invalid("time_range", "the end lies before the start")
                .with("start", start)
                .with("end", end));
        }
        Ok(Self { start, end })
    }

    /// The `length` before `end`; it begins at the earliest time there is where that does not suffice.
    #[must_use]
    pub fn before(end: Timestamp, length: Duration) -> Self {
        let start = jiff::SignedDuration::try_from(length)
            .ok()
            .and_then(|length| end.checked_sub(length).ok())
            .unwrap_or(Timestamp::MIN);
        Self { start, end }
    }

    /// The first moment in it.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// The first moment after it.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// How long it is.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.end.duration_since(self.start).unsigned_abs()
    }

    /// The minutes that lie wholly in it and have ended by `now`: those that a backend answers with.
    #[must_use]
    pub fn complete_minutes(&self, now: Timestamp) -> Range<i64> {
        let end = Block::minute_of(self.end.min(now));
        let running = Block::minute_of(self.start);
        let begins =
            Timestamp::from_second(running.saturating_mul(60)).is_ok_and(|begin| begin == self.start);
        let start = if begins { running } else { running.saturating_add(1) };
        start..end.max(start)
    }

    /// Whether the minute that begins at `60 * minute` seconds after 1970 lies wholly in it.
    #[must_use]
    pub fn holds_minute(&self, minute: i64) -> bool {
        let from = minute.saturating_mul(60);
        Timestamp::from_second(from).is_ok_and(|from| from >= self.start)
            && Timestamp::from_second(from.saturating_add(60)).is_ok_and(|to| to <= self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_whole_minutes_only() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let range = TimeRange::new(at(60), at(190)).unwrap();
        assert_eq!(
            (0..5).map(|m| range.holds_minute(m)).collect::<Vec<_>>(),
            [false, true, true, false, false]
        );
        assert_eq!(range.length(), Duration::from_secs(130));
        assert_eq!(range.complete_minutes(at(1000)), 1..3);
        assert_eq!(range.complete_minutes(at(179)), 1..2);
        assert!(range.complete_minutes(at(30)).is_empty());
        assert_eq!(TimeRange::new(at(61), at(190)).unwrap().complete_minutes(at(1000)), 2..3);
        assert_eq!(TimeRange::new(at(-61), at(1)).unwrap().complete_minutes(at(1000)), -1..0);
        assert!(TimeRange::new(at(1), at(0)).unwrap_err().is_invalid());
    }
}
