use serde::{Deserialize, Serialize};

use super::tag::{Tag, as_in_tags};

/// Branches that may be deployed: names, or beginnings that end with `*`. By default every one.
///
/// ```
/// use nprt_core::model::{Branches, Tag};
/// let branches = Branches::of(["main", "release/*"]);
/// assert!(branches.allow_branch("release/1.2") && !branches.allow_branch("feature/login"));
/// assert!(branches.allow_tag(&Tag::new("release-1.2-3f2a91c")?));
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Branches(Option<Vec<String>>);

impl Branches {
    /// These alone; of no names, none.
    pub fn of(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(Some(names.into_iter().map(Into::into).collect()))
    }

    /// Whether there is a branch that may not be deployed.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.0.as_ref().is_some_and(|patterns| !patterns.iter().any(|pattern| pattern == "*"))
    }

    /// Whether the branch of that name may be deployed.
    #[must_use]
    pub fn allow_branch(&self, branch: &str) -> bool {
        self.matches(branch, str::to_owned)
    }

    /// Whether an image of that tag may be deployed, by the branch before its commit, as CI writes it there. One
    /// that names no branch is of none that is allowed. Branches that are the same in tags cannot be told apart: where
    /// `release/*` is allowed, so are images of `release-x`.
    #[must_use]
    pub fn allow_tag(&self, tag: &Tag) -> bool {
        if !self.is_limited() {
            return true;
        }
        tag.branch().is_some_and(|branch| self.matches(branch, |name| as_in_tags(name).collect()))
    }

    /// The names and beginnings; none where there is no limit.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.0.iter().flatten()
    }

    fn matches(&self, branch: &str, form: impl Fn(&str) -> String) -> bool {
        let Some(patterns) = &self.0 else { return true };
        patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => branch.starts_with(&form(beginning)),
            None => branch == form(pattern),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &str) -> Tag {
        Tag::new(text).unwrap()
    }

    #[test]
    fn a_tag_is_of_the_branch_before_its_commit() {
        let branches = Branches::of(["main", "release/*"]);
        for good in ["main-3f2a91c", "release-1.2-3f2a91c", "main-r17"] {
            assert!(branches.allow_tag(&tag(good)), "{good}");
        }
        for bad in ["main-x-3f2a91c", "feature-main-3f2a91c", "v1.2", "3f2a91c", "released-3f2a91c"] {
            assert!(!branches.allow_tag(&tag(bad)), "{bad}");
        }
        assert!(branches.allow_branch("release/1.2") && !branches.allow_branch("release-1.2"));
    }

    #[test]
    fn no_limit_and_no_branch() {
        let none = Branches::of([""; 0]);
        assert!(none.is_limited() && !none.allow_tag(&tag("main-3f2a91c")));
        for all in [Branches::default(), Branches::of(["*"])] {
            assert!(!all.is_limited() && all.allow_tag(&tag("v1.2")) && all.allow_branch("x"));
        }
    }
}
