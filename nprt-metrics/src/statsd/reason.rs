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
    /// A change of something whose value before is not known: of a gauge that was never set, of a total that was already
    /// running when it was heard of first.
    NoBase,
    /// Its timestamp lies more than two minutes in the past: that minute was answered already.
    Late,
    /// Its timestamp lies more than two minutes in the future.
    Early,
    /// It contradicts what was said before: a total that became less.
    Contradictory,
    /// It covers more than a minute and a half: nobody knows which part of it is of the minute.
    Resolution,
    /// Requests, and nothing says whether they failed.
    UnknownStatus,
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
            Self::Contradictory => "contradictory",
            Self::Resolution => "resolution",
            Self::UnknownStatus => "unknown-status",
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
            Reason::Contradictory => Self::Contradictory,
            Reason::Resolution => Self::Resolution,
            Reason::UnknownStatus => Self::UnknownStatus,
            Reason::Malformed => Self::Malformed,
        }
    }
}
