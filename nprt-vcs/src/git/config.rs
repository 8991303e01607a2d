use std::fmt;
use std::path::PathBuf;

use nprt_core::model::Secret;
use serde::Deserialize;

/// Which git repository, and how to reach it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitConfig {
    /// A local directory, or a URL: `file://`, `http://`, `https://` or `ssh://`. It never holds a user or password.
    pub url: String,
    /// Where copies of remote repositories are kept; needed for all but local directories. Several
    /// processes may share it.
    #[serde(default)]
    pub cache: Option<PathBuf>,
    /// The user; `git` over ssh unless told, and any name will do for the token of most servers.
    #[serde(default)]
    pub user: Option<String>,
    /// The password or access token (HTTP). Over ssh the keys are those that the program `ssh` has.
    #[serde(default)]
    pub token: Option<Secret>,
    /// Seconds that one call may take; 120 unless told.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
}

fn default_timeout() -> u64 {
    120
}

impl GitConfig {
    /// The repository at `url`, all else by default.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), cache: None, user: None, token: None, timeout_seconds: default_timeout() }
    }
}

impl fmt::Debug for GitConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitConfig")
            .field("url", &crate::url::printable(&self.url))
            .field("cache", &self.cache)
            .field("user", &self.user)
            .field("token", &self.token)
            .field("timeout_seconds", &self.timeout_seconds)
            .finish()
    }
}
