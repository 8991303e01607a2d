use std::path::PathBuf;
use std::time::Duration;

use nprt_core::model::Secret;
use nprt_core::{Error, Result};

use super::backend::{GitSource, Place};
use super::cache::Cache;
use super::client::Client;
use super::config::GitConfig;

const OPERATION: &str = "git.build";

/// Builds a [`GitSource`].
#[derive(Debug, Clone)]
#[must_use]
pub struct GitBuilder {
    config: GitConfig,
}

impl GitSource {
    /// Begins a source of the repository at `url`.
    pub fn builder(url: impl Into<String>) -> GitBuilder {
        GitConfig::new(url).into()
    }
}

impl From<GitConfig> for GitBuilder {
    fn from(config: GitConfig) -> Self {
        Self { config }
    }
}

impl GitBuilder {
    /// Where copies of remote repositories are kept.
    pub fn cache(mut self, directory: impl Into<PathBuf>) -> Self {
        self.config.cache = Some(directory.into());
        self
    }

    /// The credentials.
    pub fn credentials(mut self, user: impl Into<String>, token: Secret) -> Self {
        self.config.user = Some(user.into());
        self.config.token = Some(token);
        self
    }

    /// How many seconds one call may take.
    pub fn timeout_seconds(mut self, seconds: u64) -> Self {
        self.config.timeout_seconds = seconds;
        self
    }

    /// Validates all of it. It touches neither the network nor the disk.
    ///
    /// # Errors
    /// `Invalid`, naming the field: a URL that is none or holds credentials, no cache for a remote
    /// repository, a user without a token over HTTP, a time-out of zero.
    pub fn build(self) -> Result<GitSource> {
        let GitConfig { url, cache, user, token, timeout_seconds } = self.config;
        if timeout_seconds == 0 {
            return Err(Error::invalid(OPERATION, "`timeout_seconds` must be at least 1"));
        }
        let timeout = Duration::from_secs(timeout_seconds);
        let Some(place) = local(&url)? else {
            let remote = crate::url::parse(OPERATION, &url, &["http", "https", "ssh", "file"])?;
            let client = Client::new(remote, user, token, timeout)?;
            let cache = cache.ok_or_else(|| {
                Error::invalid(OPERATION, "`cache` must name a directory for copies of a remote repository")
            })?;
            return Ok(GitSource::new(Place::Remote(Box::new(Cache::new(&cache, client))), timeout));
        };
        if token.is_some() {
            return Err(Error::invalid(OPERATION, "`token` has no use with a local directory"));
        }
        Ok(GitSource::new(Place::Local(place), timeout))
    }
}

/// The directory that `url` names, if it names one.
fn local(url: &str) -> Result<Option<PathBuf>> {
    if url.is_empty() {
        return Err(Error::invalid(OPERATION, "`url` is empty"));
    }
    if url.starts_with("file:") {
        let path = crate::url::parse(OPERATION, url, &["file"])?.to_file_path();
        let message = "`url` must name a directory of this machine";
        return path.map(Some).map_err(|()| Error::invalid(OPERATION, message));
    }
    if url.contains("://") {
        return Ok(None);
    }
    // git takes `user@host:path` for ssh; a path is never meant so, and the user may be a token.
    if url.split('/').next().is_some_and(|first| first.contains(':')) {
        let message = "`url` must be a local directory or begin with http://, https://, ssh:// or file://";
        return Err(Error::invalid(OPERATION, message));
    }
    Ok(Some(PathBuf::from(url)))
}
