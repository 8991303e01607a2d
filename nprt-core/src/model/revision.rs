use std::fmt;

use crate::{Error, Result};

/// A full git object name: 40 lower-case hex digits (SHA-1) or 64 (SHA-256).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GitSha(String);

impl GitSha {
    /// Validates `sha`; upper-case digits become lower case.
    ///
    /// # Errors
    /// `Invalid` unless it is 40 or 64 hex digits.
    pub fn new(sha: &str) -> Result<Self> {
        if !matches!(sha.len(), 40 | 64) || !sha.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Error::invalid("revision", "expected 40 or 64 hex digits")
                .with("sha", format_args!("{sha:?}")));
        }
        Ok(Self(sha.to_ascii_lowercase()))
    }
}

super::text_value!(GitSha);

/// One state of the source: a git commit, or a subversion revision number.
///
/// Its text is the full SHA, or `r` and the number.
///
/// ```
/// use nprt_core::model::Revision;
/// let svn: Revision = "r1042".parse()?;
/// assert_eq!(svn, Revision::Svn(1042));
/// let git: Revision = "0123456789abcdef0123456789abcdef01234567".parse()?;
/// assert_eq!(git.short(), "0123456789ab");
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Revision {
    /// A git commit.
    Git(GitSha),
    /// A subversion revision of the whole repository.
    Svn(u64),
}

impl Revision {
    /// Parses a full SHA or `r` and a number.
    ///
    /// # Errors
    /// `Invalid` for anything else, an abbreviated commit included.
    pub fn new(text: &str) -> Result<Self> {
        match text.strip_prefix('r').map(str::parse::<u64>) {
            Some(Ok(number)) => Ok(Self::Svn(number)),
            _ => GitSha::new(text).map(Self::Git),
        }
    }

    /// A form for people: 12 digits of the SHA, or the whole number.
    #[must_use]
    pub fn short(&self) -> String {
        match self {
            Self::Git(sha) => sha.as_str()[..12].to_owned(),
            Self::Svn(_) => self.to_string(),
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Git(sha) => sha.fmt(f),
            Self::Svn(number) => write!(f, "r{number}"),
        }
    }
}

super::parsed_value!(Revision);
