use bytes::Bytes;

use crate::{Error, Result};

/// A path inside a repository, relative and with `/`: no empty, `.` or `..` component, no backslash, no
/// control character, no component that begins with `-`. The root of the repository is `.`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepoPath(String);

impl RepoPath {
    /// Validates `path`; a `./` at the beginning and a `/` at the end are dropped.
    ///
    /// # Errors
    /// `Invalid` outside that grammar.
    pub fn new(path: &str) -> Result<Self> {
        let trimmed = path.strip_suffix('/').unwrap_or(path);
        let trimmed = trimmed.strip_prefix("./").unwrap_or(trimmed);
        let component = |part: &str| !matches!(part, "" | "." | "..") && !part.starts_with('-');
        let valid = trimmed == "."
            || (trimmed.split('/').all(component)
                && !trimmed.contains(|c: char| c.is_control() || c == '\\'));
        if !valid {
            let message =
                "expected a relative path without `..`, such as kubernetes, or `.` for the whole repository";
            return Err(Error::invalid("path", message).with("path", format_args!("{path:?}")));
        }
        Ok(Self(trimmed.to_owned()))
    }

    /// `kubernetes`, where a service's manifests are by convention.
    #[must_use]
    pub fn kubernetes() -> Self {
        Self("kubernetes".to_owned())
    }

    /// Whether it is the root of the repository.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0 == "."
    }
}

super::text_value!(RepoPath);

/// A file as version control has it at some revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path from the root of the repository.
    pub path: RepoPath,
    /// Its content.
    pub content: Bytes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_inside_the_repository() {
        for good in ["kubernetes", "a/b.yaml", "a/", ".", ".github/x", "a b"] {
            assert!(RepoPath::new(good).is_ok(), "{good:?}");
        }
        for bad in [
            "", "/", "/etc", "..", "a/../b", "a//b", "././a", ".//a", "./..", "./-x", "-x", "a/-x", "a\\b",
            "a\nb",
        ] {
            let error = RepoPath::new(bad).unwrap_err();
            assert!(
                error.is_invalid() && error.to_string().contains("`.` for the whole"),
                "{bad:?}: {error}"
            );
        }
    }

    #[test]
    fn begins_where_the_repository_does() {
        for (said, meant) in
            [("./kubernetes", "kubernetes"), ("./a/b/", "a/b"), ("./", "."), ("./.github", ".github")]
        {
            assert_eq!(RepoPath::new(said).unwrap().as_str(), meant);
        }
    }
}
