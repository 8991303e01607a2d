use std::fmt::Debug;

use async_trait::async_trait;

use crate::model::{Budget, Commit, Reference, RepoPath, Revision, SourceFile, Tag, VersionRef};
use crate::{Error, ErrorKind, Result};

/// Where the manifests of a service are versioned: one repository.
///
/// # Contract
/// - [`resolve`](VcsSource::resolve) looks at the server's present state: a branch is its newest commit
///   there, never that of an old copy.
/// - An abbreviated commit that begins several is `Ambiguous`, with the full candidates as `available`.
/// - A branch or tag that does not exist is `NotFound`, with those that do as `available`.
/// - [`read`](VcsSource::read) returns the files below `path` at exactly that revision, in the order of
///   their paths, recursively; `path` may name a single file. Nothing there is `NotFound`.
/// - Symbolic links to files and directories inside the repository are followed, also to places outside `path`; a file
///   has the path by which it was found. `path` itself may be a link, or lead through one. A link that is absolute,
///   leaves the repository, leads to nothing or in a circle is `Invalid` and names link and target; so is a submodule
///   below `path`, which is another repository. [`read_tree`](super::read_tree) does it for a backend.
/// - Changed lines are never a reason to fail: where counting them takes too much, they are unknown.
/// - Calls may run at the same time, on one value and from several processes that share a cache.
/// - Both are cancel-safe: a call that was dropped never breaks a later one.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait VcsSource: Debug + Send + Sync {
    /// What this backend can look up.
    fn capabilities(&self) -> VcsCapabilities;

    /// The commit that `reference` names now.
    ///
    /// # Errors
    /// `NotFound`, `Ambiguous`, `Unsupported` for a reference that this backend has no notion of,
    /// `Unauthenticated`, `Forbidden`, `Unavailable`, `Timeout`.
    async fn resolve(&self, reference: &Reference) -> Result<Commit>;

    /// The files below `path` at `revision`, as far as `budget` goes.
    ///
    /// # Errors
    /// As [`resolve`](VcsSource::resolve), and `Invalid` for a symbolic link that cannot be followed, a submodule, and
    /// where `budget` is used up.
    async fn read(&self, revision: &Revision, path: &RepoPath, budget: &Budget) -> Result<Vec<SourceFile>>;
}

/// What a [`VcsSource`] can look up. Everything can look up its own full revisions and a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VcsCapabilities {
    /// Git commits, in full and abbreviated ([`Reference::Commit`]).
    pub commits: bool,
    /// Subversion's revision numbers ([`Revision::Svn`]).
    pub revision_numbers: bool,
    /// Tags of version control ([`Reference::Tag`]).
    pub tags: bool,
    /// [`Commit::changed`] is known.
    pub changed_lines: bool,
}

/// What every [`VcsSource`] can do by its two methods.
#[async_trait]
pub trait VcsSourceExt: VcsSource {
    /// The commit that a client's [`VersionRef`] means. An image tag means the commit at its end, or else
    /// the tag of that name in version control. A commit and a tag together must mean the same.
    ///
    /// # Errors
    /// `Mismatch`, saying what each resolves to, when commit and tag differ; else as
    /// [`resolve`](VcsSource::resolve).
    async fn resolve_version(&self, version: &VersionRef) -> Result<Commit> {
        match (version.commit(), version.tag()) {
            (Some(commit), None) => self.resolve(commit).await,
            (None, Some(tag)) => self.resolve_tag(tag).await,
            (Some(reference), Some(tag)) => {
                let commit = self.resolve(reference).await?;
                if tag.names(&commit.revision) {
                    return Ok(commit);
                }
                let tagged = self.resolve_tag(tag).await?;
                if tagged.revision == commit.revision {
                    return Ok(commit);
                }
                Err(Error::new(ErrorKind::Mismatch, "vcs.resolve", "commit and tag differ")
                    .with("commit", format_args!("{reference} is {}", commit.revision))
                    .with("tag", format_args!("{tag} is {}", tagged.revision)))
            }
            (None, None) => Err(Error::invalid("vcs.resolve", "expected a commit, a tag or both")),
        }
    }

    /// The commit that an image tag means.
    ///
    /// # Errors
    /// As [`resolve`](VcsSource::resolve).
    async fn resolve_tag(&self, tag: &Tag) -> Result<Commit> {
        let by_end = tag.commit().map(Reference::Commit).or(tag.svn_revision().map(Reference::Revision));
        let Some(reference) = by_end else { return self.resolve(&Reference::Tag(tag.clone())).await };
        match self.resolve(&reference).await {
            // `release-1234567` may be a tag of version control as well.
            Err(error) if (error.is_not_found() || error.is_unsupported()) && self.capabilities().tags => {
                self.resolve(&Reference::Tag(tag.clone())).await.map_err(|_| error)
            }
            result => result,
        }
    }
}

impl<V: VcsSource + ?Sized> VcsSourceExt for V {}
