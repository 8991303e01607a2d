use nprt::model::Tag;
use serde::{Deserialize, Serialize};

/// Branches that may be deployed: names, or beginnings that end with `*`. None given means every one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Branches(Option<Vec<String>>);

impl Branches {
    /// Whether any limit is set.
    pub(crate) fn is_limited(&self) -> bool {
        self.0.as_ref().is_some_and(|patterns| !patterns.iter().any(|pattern| pattern == "*"))
    }

    /// Whether the branch of that name may be deployed.
    pub(crate) fn allow_branch(&self, branch: &str) -> bool {
        self.matches(branch, str::to_owned)
    }

    /// Whether an image of that tag may be deployed, by the branch before its commit, as CI writes it there. One
    /// that names no branch is of none that is allowed. Branches that are the same in tags cannot be told apart: where
    /// `release/*` is allowed, so are images of `release-x`.
    pub(crate) fn allow_tag(&self, tag: &Tag) -> bool {
        if !self.is_limited() {
            return true;
        }
        tag.branch().is_some_and(|branch| self.matches(branch, as_in_tags))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
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

/// A branch's name as a tag has it: `feature/login` is `feature-login`.
fn as_in_tags(branch: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let branch = branch.trim_start_matches(['.', '-']).chars();
    branch.map(|c| if allowed(c) { c } else { '-' }).skip_while(|c| matches!(c, '.' | '-')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &str) -> Tag {
        Tag::new(text).unwrap()
    }

    #[test]
    fn a_tag_is_of_the_branch_before_its_commit() {
        let branches = Branches(Some(vec!["main".to_owned(), "release/*".to_owned()]));
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
        let none = Branches(Some(Vec::new()));
        assert!(none.is_limited() && !none.allow_tag(&tag("main-3f2a91c")));
        for all in [Branches::default(), Branches(Some(vec!["*".to_owned()]))] {
            assert!(!all.is_limited() && all.allow_tag(&tag("v1.2")) && all.allow_branch("x"));
        }
    }
}
