use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nprt_core::clock::SystemClock;
use nprt_core::ports::Clock;
use nprt_core::{Error, Result};

use super::auth::Authenticator;
use super::backend::OciRegistry;
use super::client::{Client, Lists};
use super::config::OciConfig;
use super::host::Host;

/// Makes an [`OciRegistry`].
#[derive(Debug)]
pub struct OciRegistryBuilder {
    config: OciConfig,
    clock: Arc<dyn Clock>,
}

impl OciRegistryBuilder {
    pub(super) fn new(config: OciConfig) -> Self {
        Self { config, clock: Arc::new(SystemClock) }
    }

    /// The clock that decides when a token has expired; the system's by default.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Checks the configuration. Nothing is sent yet.
    ///
    /// # Errors
    /// `Invalid`, naming the field; `Unexpected` when TLS cannot be set up.
    pub fn build(self) -> Result<OciRegistry> {
        let OciConfig { http, page_size, max_tags, list_timeout_seconds, docker_config, registries } =
            self.config;
        if max_tags == 0 || list_timeout_seconds == 0 {
            let field = if max_tags == 0 { "max_tags" } else { "list_timeout_seconds" };
            return Err(Error::invalid("registry.config", "expected at least 1").with("field", field));
        }
        if !(1..=1000).contains(&page_size) {
            return Err(Error::invalid("registry.config", "expected 1 to 1000")
                .with("field", "page_size")
                .with("value", page_size));
        }
        if docker_config.timeout_seconds == 0 {
            return Err(Error::invalid("registry.config", "expected at least one second")
                .with("field", "docker_config.timeout_seconds"));
        }
        let hosts = registries
            .iter()
            .map(|(registry, config)| Ok((registry.clone(), Host::new(registry, config)?)))
            .collect::<Result<BTreeMap<_, _>>>()?;
        let http = nprt_http::client(&http)?;
        let lists = Lists { page_size, max_tags, timeout: Duration::from_secs(list_timeout_seconds) };
        let authenticator = Authenticator::new(http.clone(), self.clock, docker_config);
        Ok(OciRegistry::new(Client::new(http, authenticator, lists), hosts))
    }
}
