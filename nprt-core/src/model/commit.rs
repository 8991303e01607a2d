use jiff::Timestamp;

use super::Revision;

/// A revision and what version control knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The full revision.
    pub revision: Revision,
    /// Who wrote it: `Name <mail>` in git, the user in subversion.
    pub author: String,
    /// When it was committed.
    pub time: Timestamp,
    /// The whole message.
    pub message: String,
    /// How many lines it changed, where the backend can tell (a shallow copy cannot).
    pub changed: Option<ChangedLines>,
}

/// Lines that a commit added and removed, against its first parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChangedLines {
    /// Lines added.
    pub added: u64,
    /// Lines removed.
    pub removed: u64,
}
