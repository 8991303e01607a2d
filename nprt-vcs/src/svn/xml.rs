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

impl LogEntry {
    /// The copy that all of the revision is, such as a new branch or tag; there may be changes in it.
    pub(super) fn copy(&self) -> Option<Copy<'_>> {
        let copy = self.paths.path.iter().find_map(|change| {
            let (from, from_revision) = (change.copied_path.as_deref()?, change.copied_revision?);
            Some(Copy { to: &change.path, from, from_revision })
        })?;
        let inside = |path: &str| {
            path.strip_prefix(copy.to).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let moved = |change: &ChangedPath| change.action == "D" && change.path == copy.from;
        self.paths.path.iter().all(|change| inside(&change.path) || moved(change)).then_some(copy)
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Copy<'a> {
    pub(super) to: &'a str,
    pub(super) from: &'a str,
    pub(super) from_revision: u64,
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
    /// What it was copied from, with its revision.
    #[serde(rename = "@copyfrom-path")]
    pub(super) copied_path: Option<String>,
    #[serde(rename = "@copyfrom-rev")]
    pub(super) copied_revision: Option<u64>,
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
    pub(super) entry: Vec<Listed>,
}

/// What is in a directory, or below it.
#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    #[serde(rename = "@kind")]
    kind: String,
    /// From the path that was listed; for a file that was listed itself, its last part.
    pub(super) name: String,
    /// Bytes; 0 for a directory.
    #[serde(default)]
    pub(super) size: u64,
}

impl Listed {
    pub(super) fn is_directory(&self) -> bool {
        self.kind == "dir"
    }
}
