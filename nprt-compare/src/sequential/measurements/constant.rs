use serde::{Deserialize, Serialize};

/// After this many minutes of the same value on both tracks, the series is constant.
const ENOUGH: u64 = 10;

/// Whether all measurements of both tracks were ever one and the same: nothing can be tested then, and nothing
/// differs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Constant {
    value: Option<u64>,
    minutes: u64,
    broken: bool,
}

impl Constant {
    /// Notes a minute: whether both tracks were measured, and the only value that they had.
    pub(super) fn note(&mut self, both: bool, only: Option<u64>) {
        self.broken |= only.is_none() || self.value.is_some_and(|value| only != Some(value));
        if both && !self.broken {
            self.value = only;
            self.minutes += 1;
        }
    }

    /// Whether it was so for long enough.
    pub(super) fn holds(&self) -> bool {
        !self.broken && self.minutes >= ENOUGH
    }
}
