use super::{CommitPrefix, Revision};
use crate::{Error, Result};

const LONGEST: usize = 128;

/// An image tag, by the OCI grammar: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`.
///
/// CI names images `<branch>-<commit>`. The commit is read from the END, since a branch may hold `-`:
///
/// ```
/// use nprt_core::model::Tag;
/// let tag = Tag::new("feature-login-page-3f2a91c")?;
/// assert_eq!(tag.branch(), Some("feature-login-page"));
/// assert_eq!(tag.commit().unwrap().as_str(), "3f2a91c");
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(String);

impl Tag {
    /// Validates `tag`.
    ///
    /// # Errors
    /// `Invalid` outside the OCI grammar.
    pub fn new(tag: &str) -> Result<Self> {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let valid = tag.len() <= LONGEST
            && tag.bytes().next().is_some_and(word)
            && tag.bytes().all(|b| word(b) || b == b'.' || b == b'-');
        if !valid {
            let expected =
                "expected 1 to 128 of A-Z, a-z, 0-9, `_`, `.` and `-`, beginning with none of the last two";
            return Err(Error::invalid("tag", expected).with("tag", format_args!("{tag:?}")));
        }
        Ok(Self(tag.to_owned()))
    }

    /// The tag that CI gives an image of `revision` on `branch`: `<branch>-<revision>`, with each character
    /// of the branch that a tag may not hold (such as `/`) as `-`, and the branch cut so that the whole
    /// revision fits into 128 characters.
    ///
    /// ```
    /// use nprt_core::model::{Revision, Tag};
    /// let revision = Revision::new("0123456789abcdef0123456789abcdef01234567")?;
    /// let tag = Tag::for_commit("feature/login", &revision);
    /// assert_eq!(tag.as_str(), "feature-login-0123456789abcdef0123456789abcdef01234567");
    /// # Ok::<(), nprt_core::Error>(())
    /// ```
    #[must_use]
    pub fn for_commit(branch: &str, revision: &Revision) -> Self {
        let commit = revision.to_string();
        let room = LONGEST - commit.len() - 1;
        let branch: String = as_in_tags(branch).take(room).collect();
        Self(if branch.is_empty() { commit } else { format!("{branch}-{commit}") })
    }

    fn parts(&self) -> Option<(&str, &str)> {
        self.0.rsplit_once('-').filter(|(branch, _)| !branch.is_empty())
    }

    /// The branch of `<branch>-<commit>`, as it stands in the tag.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        let (branch, end) = self.parts()?;
        (CommitPrefix::new(end).is_ok() || is_svn(end)).then_some(branch)
    }

    /// The git commit that the tag ends with: 7 to 40 hex digits after the last `-`.
    #[must_use]
    pub fn commit(&self) -> Option<CommitPrefix> {
        CommitPrefix::new(self.parts()?.1).ok()
    }

    /// The subversion revision that the tag ends with: `r` and digits after the last `-`.
    #[must_use]
    pub fn svn_revision(&self) -> Option<Revision> {
        let (_, end) = self.parts()?;
        is_svn(end).then(|| Revision::new(end).ok()).flatten()
    }

    /// Whether the tag ends with the commit of `revision`: an abbreviation of its SHA of at least 7 digits,
    /// or its whole revision number. A commit that merely occurs in the tag does not count.
    #[must_use]
    pub fn names(&self, revision: &Revision) -> bool {
        match revision {
            Revision::Git(_) => self.commit().is_some_and(|commit| commit.abbreviates(revision)),
            Revision::Svn(_) => self.svn_revision().as_ref() == Some(revision),
        }
    }
}

fn is_svn(end: &str) -> bool {
    end.strip_prefix('r').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

super::text_value!(Tag);

/// A branch's name as a tag has it: `feature/login` is `feature-login`.
pub(super) fn as_in_tags(branch: &str) -> impl Iterator<Item = char> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let branch = branch.trim_start_matches(['.', '-']).chars();
    branch.map(move |c| if allowed(c) { c } else { '-' }).skip_while(|c| matches!(c, '.' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha() -> Revision {
        Revision::new("3f2a91c0b1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6").unwrap()
    }

    #[test]
    fn follows_the_oci_grammar() {
        for good in ["a", "_a", "v1.2.3", &"x".repeat(128)] {
            assert!(Tag::new(good).is_ok(), "{good}");
        }
        for bad in ["", ".a", "-a", "a/b", "a:b", "a b", "ü", &"x".repeat(129)] {
            assert!(Tag::new(bad).unwrap_err().is_invalid(), "{bad}");
        }
    }

    #[test]
    fn is_parsed_from_the_end() {
        let tag = Tag::new("feature-abcdef1-3f2a91c").unwrap();
        assert_eq!(tag.branch(), Some("feature-abcdef1"));
        assert!(tag.names(&sha()));
        assert_eq!(Tag::new("trunk-r17").unwrap().svn_revision(), Some(Revision::Svn(17)));
        for none in ["v1.2.3", "3f2a91c", "main-3f2a9", "main-3f2a91g", "-"] {
            if let Ok(tag) = Tag::new(none) {
                assert_eq!((tag.branch(), tag.commit()), (None, None), "{none}");
            }
        }
    }

    #[test]
    fn a_commit_inside_the_tag_is_not_its_commit() {
        assert!(!Tag::new("revert-3f2a91c-0000000").unwrap().names(&sha()));
        assert!(!Tag::new("main-3f2a91c0b1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f7").unwrap().names(&sha()));
    }

    #[test]
    fn a_long_branch_leaves_the_commit_whole() {
        let tag = Tag::for_commit(&"b/".repeat(200), &sha());
        assert_eq!(tag.as_str().len(), 128);
        assert!(tag.names(&sha()));
        for branch in ["", "/", "-x", "...", "ünïcode", "feature/x#1"] {
            let tag = Tag::for_commit(branch, &sha());
            assert_eq!(Tag::new(tag.as_str()).unwrap(), tag, "{branch}");
        }
    }
}
