use nprt_core::ports::LeftOutReason;

use super::Malformed;

/// Why a line costs itself, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// NaN.
    NotANumber,
    /// An infinite number.
    Infinite,
    /// A time or a count below zero.
    Negative,
    /// Finite, and greater than what can be counted exactly: 2^53.
    TooGreat,
    /// A change of a gauge that was never set.
    NoBase,
    /// Its timestamp lies more than two minutes in the past: that minute was answered already.
    Late,
    /// Its timestamp lies more than two minutes in the future.
    Early,
    /// It is outside the grammar in another way.
    Malformed,
}

impl Reason {
    /// As a label of metrics and in sentences.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotANumber => "not-a-number",
            Self::Infinite => "infinite",
            Self::Negative => "negative",
            Self::TooGreat => "too-great",
            Self::NoBase => "no-base",
            Self::Late => "late",
            Self::Early => "early",
            Self::Malformed => "malformed",
        }
    }
}

impl From<Malformed> for Reason {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::NotANumber => Self::NotANumber,
            Malformed::Infinite => Self::Infinite,
            Malformed::Negative => Self::Negative,
            _ => Self::Malformed,
        }
    }
}

impl From<Reason> for LeftOutReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::NotANumber => Self::NotANumber,
            Reason::Infinite => Self::Infinite,
            Reason::Negative => Self::Negative,
            Reason::TooGreat => Self::TooGreat,
            Reason::NoBase => Self::NoBase,
            Reason::Late | Reason::Early => Self::Other,
            Reason::Malformed => Self::Malformed,
        }
    }
}
