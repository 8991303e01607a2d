use serde::{Deserialize, Serialize};

/// How many values were no samples, by kind. They are in no bin and no [`count`](super::Sketch::count).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rejected {
    /// NaN of any sign and payload.
    pub not_a_number: u64,
    /// Either infinity.
    pub infinite: u64,
    /// Finite and below zero.
    pub negative: u64,
}

impl Rejected {
    /// All of them.
    #[must_use]
    pub fn total(self) -> u64 {
        self.not_a_number.saturating_add(self.infinite).saturating_add(self.negative)
    }

    /// Counts a value that no bin takes.
    pub(super) fn add(&mut self, value: f64) {
        let kind = if value.is_nan() {
            &mut self.not_a_number
        } else if value.is_infinite() {
            &mut self.infinite
        } else {
            &mut self.negative
        };
        *kind = kind.saturating_add(1);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.not_a_number = self.not_a_number.saturating_add(other.not_a_number);
        self.infinite = self.infinite.saturating_add(other.infinite);
        self.negative = self.negative.saturating_add(other.negative);
    }
}
