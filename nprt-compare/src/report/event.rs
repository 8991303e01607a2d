use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Something that happened to the canary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
    /// In words; any text.
    pub text: String,
}

impl ReportEvent {
    /// What happened then.
    #[must_use]
    pub fn new(at: Timestamp, kind: EventKind, text: impl Into<String>) -> Self {
        Self { at, kind, text: text.into() }
    }
}

/// What kind of thing happened; the names are those of the events that the pipeline (nprt-pipeline) leaves in the
/// cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// A version was deployed on stable.
    Deployed,
    /// The canary was deployed beside it.
    CanaryStarted,
    /// The judge was asked and said neither pass nor regression.
    Judged,
    /// The judge passed it.
    CanaryPassed,
    /// The judge found a regression.
    CanaryRegressed,
    /// It became stable.
    Promoted,
    /// It was taken back.
    RolledBack,
    /// It made way for another version.
    Replaced,
    /// Its time was over.
    Expired,
    /// An operation was cancelled.
    Cancelled,
    /// What a dead process had begun was undone.
    Undone,
    /// An operation failed.
    Failed,
    /// Something else; the text says it.
    Other,
}

impl EventKind {
    /// In words, such as `rolled back`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployed => "deployed",
            Self::CanaryStarted => "canary started",
            Self::Judged => "judged",
            Self::CanaryPassed => "passed",
            Self::CanaryRegressed => "regressed",
            Self::Promoted => "promoted",
            Self::RolledBack => "rolled back",
            Self::Replaced => "replaced",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Undone => "undone",
            Self::Failed => "failed",
            Self::Other => "noted",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
