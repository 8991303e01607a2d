use std::fmt;
use std::path::PathBuf;

use nprt_core::model::Secret;
use serde::Deserialize;

/// Which subversion repository, and how to reach it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SvnConfig {
    /// `http://`, `https://`, `svn://` or `file://`: the directory that holds trunk, branches and tags. It
    /// never holds a user or password.
    pub url: String,
    /// The user.
    #[serde(default)]
    pub user: Option<String>,
    /// The user's password.
    #[serde(default)]
    pub password: Option<Secret>,
    /// Seconds that one call may take; 120 unless told.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
    /// Where trunk, branches and tags are.
    #[serde(default)]
    pub layout: SvnLayout,
    /// The program; `svn` unless told.
    #[serde(default = "default_program")]
    pub program: PathBuf,
}

/// Where a repository keeps its lines of development, below its URL.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SvnLayout {
    /// The main line, `HEAD`; `trunk` unless told. `.` where the URL itself is the one line.
    pub trunk: String,
    /// The directory of branches, one directory each; `branches` unless told.
    pub branches: Option<String>,
    /// The directory of tags, one directory each; `tags` unless told.
    pub tags: Option<String>,
}

impl Default for SvnLayout {
    fn default() -> Self {
        Self {
            trunk: "trunk".to_owned(),
            branches: Some("branches".to_owned()),
            tags: Some("tags".to_owned()),
        }
    }
}

impl SvnLayout {
    /// The URL itself is the one line.
    #[must_use]
    pub fn flat() -> Self {
        Self { trunk: ".".to_owned(), branches: None, tags: None }
    }
}

fn default_timeout() -> u64 {
    120
}

fn default_program() -> PathBuf {
    PathBuf::from("svn")
}

impl SvnConfig {
    /// The repository at `url`, all else by default.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            user: None,
            password: None,
            timeout_seconds: default_timeout(),
            layout: SvnLayout::default(),
            program: default_program(),
        }
    }
}

impl fmt::Debug for SvnConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SvnConfig")
            .field("url", &crate::url::printable(&self.url))
            .field("user", &self.user)
            .field("password", &self.password)
            .field("timeout_seconds", &self.timeout_seconds)
            .field("layout", &self.layout)
            .field("program", &self.program)
            .finish()
    }
}
