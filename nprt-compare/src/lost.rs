use std::ops::Range;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The minutes of a run whose measurements nobody has any more: each range from its first minute to the one after its
/// last, in order and apart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct LostMinutes(Vec<(i64, i64)>);

impl LostMinutes {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds `minutes`; those that are known to be lost count once.
    pub(super) fn add(&mut self, minutes: Range<i64>) {
        let Range { mut start, mut end } = minutes;
        if start >= end {
            return;
        }
        self.0.retain(|&(from, to)| {
            let is_apart = to < start || from > end;
            if !is_apart {
                (start, end) = (start.min(from), end.max(to));
            }
            is_apart
        });
        self.0.push((start, end));
        self.0.sort_unstable();
    }

    /// How many there are.
    pub(super) fn minutes(&self) -> u64 {
        self.0.iter().fold(0, |sum, (from, to)| sum.saturating_add(from.abs_diff(*to)))
    }

    /// As the end of a sentence; nothing where none is lost.
    pub(super) fn describe(&self) -> String {
        let (Some((from, _)), Some((_, to))) = (self.0.first(), self.0.last()) else { return String::new() };
        let time = |minute: i64| Timestamp::from_second(minute.saturating_mul(60)).unwrap_or_default();
        format!(
            "; what was measured in {} min between {} and {} is lost",
            self.minutes(),
            time(*from),
            time(*to)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_overlaps_or_touches_is_one() {
        let mut lost = LostMinutes::default();
        assert_eq!((lost.minutes(), lost.describe().as_str()), (0, ""));
        for range in [10..12, 20..21, 5..5, 11..15, 15..16, 2..3] {
            lost.add(range);
        }
        assert_eq!(lost, LostMinutes(vec![(2, 3), (10, 16), (20, 21)]));
        lost.add(1..20);
        assert_eq!((lost.clone(), lost.minutes()), (LostMinutes(vec![(1, 21)]), 20));
        let said =
            "; what was measured in 20 min between 1970-01-01T00:01:00Z and 1970-01-01T00:21:00Z is lost";
        assert_eq!(lost.describe(), said);
    }
}
