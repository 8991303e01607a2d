use std::fmt;

use super::{Revision, Tag};
use crate::{Error, ErrorKind, Result};

/// A git commit as a person abbreviates it: 7 to 40 hex digits, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitPrefix(String);

impl CommitPrefix {
    /// Validates `commit`.
    ///
    /// # Errors
    /// `Invalid` unless it is 7 to 40 hex digits.
    pub fn new(commit: &str) -> Result<Self> {
        if !(7..=40).contains(&commit.len()) || !commit.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Error::invalid("commit", "expected 7 to 40 hex digits")
                .with("commit", format_args!("{commit:?}")));
        }
        Ok(Self(commit.to_ascii_lowercase()))
    }

    /// Whether `revision` is a git commit that begins with these digits.
    #[must_use]
    pub fn abbreviates(&self, revision: &Revision) -> bool {
        matches!(revision, Revision::Git(sha) if sha.as_str().starts_with(&self.0))
    }
}

super::text_value!(CommitPrefix);

/// The name of a branch, by git's rules for references (`git check-ref-format --branch`), so that it can
/// be taken neither for an option nor for an expression.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BranchName(String);

impl BranchName {
    /// Validates `name`.
    ///
    /// # Errors
    /// `Invalid` outside git's grammar.
    pub fn new(name: &str) -> Result<Self> {
        let forbidden = |c: char| c.is_ascii_control() || " ~^:?*[\\".contains(c);
        let component = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
        let valid = name.len() <= 250
            && !name.starts_with('-')
            && !name.ends_with('.')
            && name != "@"
            && !name.contains("..")
            && !name.contains("@{")
            && !name.contains(forbidden)
            && name.split('/').all(component);
        if !valid {
            return Err(Error::invalid("branch", "not the name of a branch, by git's rules")
                .with("branch", format_args!("{name:?}")));
        }
        Ok(Self(name.to_owned()))
    }
}

super::text_value!(BranchName);

/// What version control can look up: one way of naming a version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reference {
    /// An abbreviated or full git commit.
    Commit(CommitPrefix),
    /// A full revision, such as subversion's `r1042`.
    Revision(Revision),
    /// A branch, its newest commit; `HEAD` is the default branch.
    Branch(BranchName),
    /// A tag of version control (not of an image), such as `v1.2`.
    Tag(Tag),
}

impl Reference {
    /// Reads what a client gives as `commit`: `r` and digits is a subversion revision, 7 to 40 hex digits a
    /// commit, 64 a full SHA-256 name, all else a branch. A branch whose name is hex digits is taken for a
    /// commit: commits are what deploy signals carry.
    ///
    /// # Errors
    /// `Invalid` when it is none of them.
    pub fn new(text: &str) -> Result<Self> {
        if let Ok(commit) = CommitPrefix::new(text) {
            return Ok(Self::Commit(commit));
        }
        if let Ok(revision) = Revision::new(text) {
            return Ok(Self::Revision(revision));
        }
        BranchName::new(text).map(Self::Branch).map_err(|_| {
            Error::invalid("commit", "expected 7 to 40 hex digits, `r` and a number, or a branch")
                .with("commit", format_args!("{text:?}"))
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commit(commit) => commit.fmt(f),
            Self::Revision(revision) => revision.fmt(f),
            Self::Branch(branch) => branch.fmt(f),
            Self::Tag(tag) => tag.fmt(f),
        }
    }
}

super::parsed_value!(Reference);

/// The version that a client asks for: a commit (or branch, or revision), an image tag, or both, which
/// must then resolve to the same revision; see
/// [`VcsSourceExt::resolve_version`](crate::ports::VcsSourceExt::resolve_version).
///
/// ```
/// use nprt_core::model::VersionRef;
/// let version = VersionRef::new(Some("3f2a91c"), Some("main-3f2a91c"))?;
/// assert_eq!(version.to_string(), "commit 3f2a91c and tag main-3f2a91c");
/// assert!(VersionRef::new(None, None).is_err());
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VersionRef {
    commit: Option<Reference>,
    tag: Option<Tag>,
}

impl VersionRef {
    /// Reads a client's `commit` and `tag`.
    ///
    /// # Errors
    /// `Invalid` when both are missing or one is malformed.
    pub fn new(commit: Option<&str>, tag: Option<&str>) -> Result<Self> {
        let commit = commit.map(Reference::new).transpose()?;
        let tag = tag.map(Tag::new).transpose()?;
        if commit.is_none() && tag.is_none() {
            return Err(Error::new(ErrorKind::Invalid, "version", "expected a commit, a tag or both"));
        }
        Ok(Self { commit, tag })
    }

    /// The commit, branch or revision, where one was given.
    #[must_use]
    pub fn commit(&self) -> Option<&Reference> {
        self.commit.as_ref()
    }

    /// The image tag, where one was given.
    #[must_use]
    pub fn tag(&self) -> Option<&Tag> {
        self.tag.as_ref()
    }
}

impl From<Reference> for VersionRef {
    fn from(commit: Reference) -> Self {
        Self { commit: Some(commit), tag: None }
    }
}

impl From<Revision> for VersionRef {
    fn from(revision: Revision) -> Self {
        Reference::Revision(revision).into()
    }
}

impl From<Tag> for VersionRef {
    fn from(tag: Tag) -> Self {
        Self { commit: None, tag: Some(tag) }
    }
}

impl fmt::Display for VersionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.commit, &self.tag) {
            (Some(commit), Some(tag)) => write!(f, "commit {commit} and tag {tag}"),
            (Some(commit), None) => write!(f, "commit {commit}"),
            (None, Some(tag)) => write!(f, "tag {tag}"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_means_a_commit_a_revision_or_a_branch() {
        let full = "3f2a91c0b1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6";
        assert!(
            matches!(Reference::new("3F2A91C").unwrap(), Reference::Commit(c) if c.as_str() == "3f2a91c")
        );
        assert!(matches!(Reference::new(full).unwrap(), Reference::Commit(_)));
        assert!(matches!(Reference::new("r12").unwrap(), Reference::Revision(Revision::Svn(12))));
        assert!(matches!(Reference::new("feature/login-page").unwrap(), Reference::Branch(_)));
        assert!(matches!(Reference::new("release").unwrap(), Reference::Branch(_)));
    }

    #[test]
    fn a_reference_is_never_an_option_nor_an_expression() {
        for bad in
            ["--upload-pack=x", "-x", "", "a..b", "a b", "HEAD~1", "a:b", "@{u}", "x.lock", "a//b", "/a"]
        {
            assert!(Reference::new(bad).unwrap_err().is_invalid(), "{bad:?}");
        }
    }
}
