use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use nprt_core::model::{BranchName, ChangedLines, Commit, GitSha, RepoPath, Revision};
use nprt_core::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};

use super::{Entry, MemoryVcs, Tree, is_below};

/// A commit in the making, by [`MemoryVcs::commit`].
#[derive(Debug)]
#[must_use = "push() adds the commit"]
pub struct MemoryCommit<'a> {
    vcs: &'a MemoryVcs,
    branch: String,
    author: String,
    message: String,
    time: Option<Timestamp>,
    changed: Option<ChangedLines>,
    revision: Option<Revision>,
    edits: Vec<(String, Option<Entry>)>,
}

impl<'a> MemoryCommit<'a> {
    pub(super) fn new(vcs: &'a MemoryVcs, branch: &str) -> Self {
        Self {
            vcs,
            branch: branch.to_owned(),
            author: "Ada Lovelace <ada@example.com>".to_owned(),
            message: "a change".to_owned(),
            time: None,
            changed: None,
            revision: None,
            edits: Vec::new(),
        }
    }

    /// Who wrote it; Ada Lovelace unless told.
    pub fn author(mut self, author: impl Into<String>) -> Self {
        self.author = author.into();
        self
    }

    /// Its message.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// When it was made; unless told, as many minutes after 1970 as there are commits.
    pub fn time(mut self, time: Timestamp) -> Self {
        self.time = Some(time);
        self
    }

    /// How many lines it changed; unless told, counted without regard to their order.
    pub fn changed(mut self, changed: ChangedLines) -> Self {
        self.changed = Some(changed);
        self
    }

    /// Its revision; unless told, a digest of the commit, or the next number.
    pub fn revision(mut self, revision: Revision) -> Self {
        self.revision = Some(revision);
        self
    }

    /// Writes a file.
    pub fn file(mut self, path: impl Into<String>, content: impl Into<Bytes>) -> Self {
        self.edits.push((path.into(), Some(Entry::File(content.into()))));
        self
    }

    /// Makes a symbolic link to `target`, which is relative to the link's directory.
    pub fn link(mut self, path: impl Into<String>, target: impl Into<String>) -> Self {
        self.edits.push((path.into(), Some(Entry::Link(target.into()))));
        self
    }

    /// Adds a submodule.
    pub fn submodule(mut self, path: impl Into<String>) -> Self {
        self.edits.push((path.into(), Some(Entry::Submodule)));
        self
    }

    /// Removes a file, or all below a directory.
    pub fn remove(mut self, path: impl Into<String>) -> Self {
        self.edits.push((path.into(), None));
        self
    }

    /// Adds the commit: the branch names it from now on.
    ///
    /// # Errors
    /// `Invalid` for a path, a branch, or a revision of the other kind; `Conflict` for a revision that is
    /// there already.
    pub fn push(self) -> Result<Commit> {
        let branch = BranchName::new(&self.branch)?;
        let mut state = self.vcs.state_mut();
        let parent = state.branches.get(&branch).cloned();
        let before = parent.as_ref().and_then(|parent| state.commits.get(parent));
        let before = before.map(|(_, tree)| tree.clone()).unwrap_or_default();
        let mut tree = before.clone();
        for (path, entry) in self.edits {
            let path = RepoPath::new(&path)?;
            tree.retain(|other, _| !is_below(other, &path));
            if let Some(entry) = entry {
                tree.insert(path, entry);
            }
        }
        let count = state.commits.len() + 1;
        let time = match self.time {
            Some(time) => time,
            None => minutes_after_1970(count),
        };
        let revision = match self.revision {
            Some(revision) => revision,
            None if self.vcs.numbered => Revision::Svn(count as u64),
            None => Revision::Git(name(parent.as_ref(), &self.author, &self.message, time, &tree)?),
        };
        self.vcs.supports(&revision)?;
        if state.commits.contains_key(&revision) {
            return Err(Error::new(ErrorKind::Conflict, "memory.commit", "the revision is there already")
                .with("revision", revision));
        }
        let changed = self.changed.unwrap_or_else(|| changed_lines(&before, &tree));
        let (author, message) = (self.author, self.message);
        let commit = Commit { revision: revision.clone(), author, time, message, changed: Some(changed) };
        state.commits.insert(revision.clone(), (commit.clone(), tree));
        state.default.get_or_insert_with(|| branch.clone());
        state.branches.insert(branch, revision);
        Ok(commit)
    }
}

fn minutes_after_1970(count: usize) -> Timestamp {
    let minutes = i64::try_from(count).unwrap_or_default();
    Timestamp::UNIX_EPOCH.checked_add(SignedDuration::from_mins(minutes)).unwrap_or(Timestamp::MAX)
}

/// The name of a commit: 40 hex digits that depend on all that it holds.
fn name(
    parent: Option<&Revision>,
    author: &str,
    message: &str,
    time: Timestamp,
    tree: &Tree,
) -> Result<GitSha> {
    let digest = Sha256::digest(format!("{parent:?} {author:?} {message:?} {time} {tree:?}"));
    let hex: String = digest.iter().take(20).map(|byte| format!("{byte:02x}")).collect();
    GitSha::new(&hex)
}

fn changed_lines(before: &Tree, after: &Tree) -> ChangedLines {
    let mut balance: BTreeMap<(&RepoPath, &[u8]), i64> = BTreeMap::new();
    for (tree, step) in [(before, -1), (after, 1)] {
        for (path, entry) in tree {
            let Entry::File(content) = entry else { continue };
            for line in content.split_inclusive(|&byte| byte == b'\n') {
                *balance.entry((path, line)).or_default() += step;
            }
        }
    }
    let sum = |sign: i64| balance.values().map(|n| (n * sign).max(0).unsigned_abs()).sum();
    ChangedLines { added: sum(1), removed: sum(-1) }
}
