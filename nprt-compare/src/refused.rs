use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How many measurements were refused, by minute.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefusedMeasurements {
    minutes: BTreeMap<i64, u64>,
    /// In older minutes, which are not told any more.
    earlier: u64,
}

/// How many minutes to tell apart: a minute that is queried twice counts once.
const MOST: usize = 240;

impl RefusedMeasurements {
    pub(super) fn is_empty(&self) -> bool {
        self.minutes.is_empty() && self.earlier == 0
    }

    /// Notes that so many were refused in a minute so far.
    pub(super) fn add(&mut self, minute: i64, lines: u64) {
        let is_older =
            self.minutes.len() >= MOST && self.minutes.first_key_value().is_some_and(|(m, _)| minute < *m);
        if lines == 0 || is_older {
            return;
        }
        let known = self.minutes.entry(minute).or_default();
        *known = lines.max(*known);
        while self.minutes.len() > MOST {
            let oldest = self.minutes.pop_first().map_or(0, |(_, lines)| lines);
            self.earlier = self.earlier.saturating_add(oldest);
        }
    }

    /// As the end of a sentence; nothing where none was.
    pub(super) fn describe(&self) -> String {
        if self.is_empty() {
            return String::new();
        }
        let all = self.minutes.values().fold(self.earlier, |sum, lines| sum.saturating_add(*lines));
        format!("; {all} measurements were refused for lack of room")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_that_is_told_again_counts_once_and_the_memory_is_bounded() {
        let mut refused = RefusedMeasurements::default();
        assert!(refused.is_empty() && refused.describe().is_empty());
        for minute in 0..10_000 {
            refused.add(minute, 1);
            refused.add(minute, 2);
            refused.add(minute, 0);
        }
        assert_eq!(refused.minutes.len(), MOST);
        assert_eq!(refused.describe(), "; 20000 measurements were refused for lack of room");
        let written = serde_json::to_string(&refused).unwrap();
        assert_eq!(serde_json::from_str::<RefusedMeasurements>(&written).unwrap(), refused);
    }
}
