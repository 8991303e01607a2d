use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::Track;

/// Points that a [`MetricsBackend`](super::MetricsBackend) could not use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LeftOut {
    /// Why.
    pub reason: LeftOutReason,
    /// The minute since 1970; `None` where the points have no time: they count for the whole answer.
    #[serde(default)]
    pub minute: Option<i64>,
    /// The track; `None` where it is not known.
    #[serde(default)]
    pub track: Option<Track>,
    /// How many. Of samples each is one; of every other shape, a place (pod and route) is one in a minute: a histogram
    /// with a bad bucket is one point, not one for each bucket.
    pub points: u64,
}

/// Why points are left out. More reasons may come; one that this version does not know is read as `Other`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LeftOutReason {
    /// NaN, as 0/0 is.
    NotANumber,
    /// An infinite number.
    Infinite,
    /// A negative number where none can be: a time, a count.
    Negative,
    /// A count that is not whole, where it must be.
    NotWhole,
    /// A finite number that is too great to be one of these.
    TooGreat,
    /// Nothing says of which track it is.
    NoTrack,
    /// A change of a gauge whose value before is not known.
    NoBase,
    /// A request, and nothing says whether it failed.
    UnknownStatus,
    /// It cannot be read.
    Malformed,
    /// It contradicts another: a bucket that holds less than a lower one, two numbers for one place.
    Contradictory,
    /// It covers more than a minute.
    Resolution,
    /// There was no room to keep it.
    NoRoom,
    /// Any other reason.
    #[serde(other)]
    Other,
}

impl LeftOut {
    /// What tells two apart.
    pub(super) fn order(&self) -> (LeftOutReason, Option<i64>, Option<Track>) {
        (self.reason, self.minute, self.track)
    }
}

impl LeftOutReason {
    /// The reason in words, for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotANumber => "NaN",
            Self::Infinite => "infinite",
            Self::Negative => "negative",
            Self::NotWhole => "not whole",
            Self::TooGreat => "too great",
            Self::NoTrack => "no track",
            Self::NoBase => "no value before",
            Self::UnknownStatus => "unknown status",
            Self::Malformed => "malformed",
            Self::Contradictory => "contradictory",
            Self::Resolution => "coarser than a minute",
            Self::NoRoom => "no room",
            Self::Other => "other",
        }
    }

    /// Why a number that is not finite is left out; `None` for a finite one.
    #[must_use]
    pub fn of_number(number: f64) -> Option<Self> {
        if number.is_nan() { Some(Self::NotANumber) } else { number.is_infinite().then_some(Self::Infinite) }
    }
}

impl fmt::Display for LeftOutReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_a_later_version_is_read() {
        let read = |reason: &str| {
            serde_json::from_str::<LeftOut>(&format!(r#"{{"reason": "{reason}", "points": 1}}"#))
                .unwrap()
                .reason
        };
        assert_eq!(read("not-a-number"), LeftOutReason::NotANumber);
        assert_eq!(read("of-tomorrow"), LeftOutReason::Other);
    }
}
