use std::sync::Arc;

use nprt_core::clock::SystemClock;
use nprt_core::model::Secret;
use nprt_core::ports::{Clock, Severity};
use nprt_core::{Error, Result};
use nprt_http::ClientConfig;

use super::client::Client;
use super::{Bugsnag, BugsnagConfig};
use crate::address::web_address;

/// Makes a [`Bugsnag`].
#[derive(Debug, Clone)]
pub struct BugsnagBuilder {
    config: BugsnagConfig,
    clock: Arc<dyn Clock>,
}

impl Bugsnag {
    /// Begins with a project's key and the defaults.
    #[must_use]
    pub fn builder(api_key: Secret) -> BugsnagBuilder {
        BugsnagConfig::new(api_key).into()
    }
}

impl From<BugsnagConfig> for BugsnagBuilder {
    fn from(config: BugsnagConfig) -> Self {
        Self { config, clock: Arc::new(SystemClock) }
    }
}

impl BugsnagBuilder {
    /// Sends events elsewhere.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.config.endpoint = endpoint.into();
        self
    }

    /// Files events under another release stage.
    #[must_use]
    pub fn release_stage(mut self, release_stage: impl Into<String>) -> Self {
        self.config.release_stage = release_stage.into();
        self
    }

    /// Sends nothing below this severity.
    #[must_use]
    pub fn least_severity(mut self, severity: Severity) -> Self {
        self.config.least_severity = severity;
        self
    }

    /// Sets the time-outs.
    #[must_use]
    pub fn http(mut self, http: ClientConfig) -> Self {
        self.config.http = http;
        self
    }

    /// Takes the events' times from `clock` instead of the system's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The notifier; nothing is sent yet.
    ///
    /// # Errors
    /// `Invalid`, naming the field, when the key is empty or holds a space or line break, the endpoint is no
    /// web address or holds a password, or the release stage is empty; and as [`nprt_http::client`].
    pub fn build(self) -> Result<Bugsnag> {
        let invalid = |field, expected| Error::invalid("bugsnag.build", expected).with("field", field);
        let BugsnagConfig { api_key, endpoint, release_stage, least_severity, http } = self.config;
        if api_key.expose().is_empty() || !api_key.expose().bytes().all(|b| b.is_ascii_graphic()) {
            return Err(invalid("api_key", "expected a key without spaces and line breaks"));
        }
        let Some(url) = web_address(&endpoint) else {
            return Err(invalid("endpoint", "expected a web address without user and password"));
        };
        if release_stage.trim().is_empty() {
            return Err(invalid("release_stage", "expected a name such as production"));
        }
        let client = Client::new(nprt_http::client(&http)?, url, api_key);
        Ok(Bugsnag::new(client, release_stage, least_severity, self.clock))
    }
}
