use std::path::PathBuf;
use std::time::Duration;

use nprt_core::model::Secret;
use nprt_core::{Error, Result};

use super::backend::SvnSource;
use super::client::Client;
use super::config::{SvnConfig, SvnLayout};
use super::layout::Layout;

const OPERATION: &str = "svn.build";

/// Builds an [`SvnSource`].
#[derive(Debug, Clone)]
#[must_use]
pub struct SvnBuilder {
    config: SvnConfig,
}

impl SvnSource {
    /// Begins a source of the repository at `url`.
    pub fn builder(url: impl Into<String>) -> SvnBuilder {
        SvnConfig::new(url).into()
    }
}

impl From<SvnConfig> for SvnBuilder {
    fn from(config: SvnConfig) -> Self {
        Self { config }
    }
}

impl SvnBuilder {
    /// The credentials.
    pub fn credentials(mut self, user: impl Into<String>, password: Secret) -> Self {
        self.config.user = Some(user.into());
        self.config.password = Some(password);
        self
    }

    /// How many seconds one call may take.
    pub fn timeout_seconds(mut self, seconds: u64) -> Self {
        self.config.timeout_seconds = seconds;
        self
    }

    /// Where trunk, branches and tags are.
    pub fn layout(mut self, layout: SvnLayout) -> Self {
        self.config.layout = layout;
        self
    }

    /// The program, where it is not the `svn` of the `PATH`.
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.config.program = program.into();
        self
    }

    /// Validates all of it. It touches neither the network nor the disk.
    ///
    /// # Errors
    /// `Invalid`, naming the field: a URL that is none or holds credentials, a user without a password, a
    /// path of the layout outside the grammar, a time-out of zero.
    pub fn build(self) -> Result<SvnSource> {
        let SvnConfig { url, user, password, timeout_seconds, layout, program } = self.config;
        let url = crate::url::parse(OPERATION, &url, &["http", "https", "svn", "file"])?;
        if timeout_seconds == 0 {
            return Err(Error::invalid(OPERATION, "`timeout_seconds` must be at least 1"));
        }
        let credentials = match (user, password) {
            (None, None) => None,
            (Some(user), Some(password))
                if !user.starts_with('-') && [&user, password.expose()].map(is_a_line) == [true; 2] =>
            {
                Some((user, password))
            }
            (Some(_), Some(_)) => {
                let message = "`user` and `password` must be one line, and `user` must not begin with `-`";
                return Err(Error::invalid(OPERATION, message));
            }
            _ => return Err(Error::invalid(OPERATION, "`user` and `password` must be given together")),
        };
        let client = Client::new(program, url, credentials);
        Ok(SvnSource::new(client, Layout::new(&layout)?, Duration::from_secs(timeout_seconds)))
    }
}

fn is_a_line(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_control)
}
