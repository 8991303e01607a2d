//! What `svn --xml` prints.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct Info {
    pub(super) entry: Entry,
}

#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    /// `dir` or `file`.
    #[serde(rename = "@kind")]
    pub(super) kind: String,
    pub(super) url: String,
    pub(super) repository: Repository,
    pub(super) commit: LastCommit,
}

#[derive(Debug, Deserialize)]
pub(super) struct Repository {
    pub(super) root: String,
}

/// The last revision that changed what was asked for, or something in it.
#[derive(Debug, Deserialize)]
pub(super) struct LastCommit {
    #[serde(rename = "@revision")]
    pub(super) revision: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Log {
    pub(super) logentry: Option<LogEntry>,
}

#[derive(Debug, Deserialize)]
pub(super) struct LogEntry {
    /// Missing where the user may not read all that the revision changed.
    #[serde(default)]
    pub(super) author: String,
    #[serde(default)]
    pub(super) date: String,
    #[serde(default)]
    pub(super) msg: String,
    #[serde(default)]
    pub(super) paths: Paths,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Paths {
    #[serde(default)]
    pub(super) path: Vec<ChangedPath>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ChangedPath {
    /// `A`, `M`, `R` or `D`.
    #[serde(rename = "@action")]
    pub(super) action: String,
    /// From the root of the repository, beginning with `/`.
    #[serde(rename = "$text")]
    pub(super) path: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Lists {
    pub(super) list: List,
}

#[derive(Debug, Deserialize)]
pub(super) struct List {
    #[serde(default)]
    pub(super) entry: Vec<Named>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) name: String,
}
