use std::sync::Arc;

use nprt_core::clock::SystemClock;
use nprt_core::model::Secret;
use nprt_core::ports::Clock;
use nprt_core::{Error, Result};
use nprt_http::ClientConfig;

use super::client::Client;
use super::signature::Signer;
use super::{Webhook, WebhookConfig};
use crate::address::web_address;

/// Makes a [`Webhook`].
#[derive(Debug, Clone)]
pub struct WebhookBuilder {
    config: WebhookConfig,
    clock: Arc<dyn Clock>,
}

impl Webhook {
    /// Begins with where the receiver listens, the secret and the defaults.
    #[must_use]
    pub fn builder(url: impl Into<String>, secret: Secret) -> WebhookBuilder {
        WebhookConfig { url: url.into(), secret, http: ClientConfig::default() }.into()
    }
}

impl From<WebhookConfig> for WebhookBuilder {
    fn from(config: WebhookConfig) -> Self {
        Self { config, clock: Arc::new(SystemClock) }
    }
}

impl WebhookBuilder {
    /// Sets the time-outs.
    #[must_use]
    pub fn http(mut self, http: ClientConfig) -> Self {
        self.config.http = http;
        self
    }

    /// Takes the time of each try from `clock` instead of the system's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The notifier; nothing is sent yet.
    ///
    /// # Errors
    /// `Invalid`, naming the field, for a URL that is no web address or holds a user, password or fragment, and for
    /// a secret that is no base64 of 24 to 64 bytes; and as [`nprt_http::client`].
    pub fn build(self) -> Result<Webhook> {
        let invalid = |field, expected| Error::invalid("webhook.build", expected).with("field", field);
        let WebhookConfig { url, secret, http } = self.config;
        let url = web_address(&url).filter(|url| url.fragment().is_none());
        let expected = "expected a web address without user, password and fragment";
        let url = url.ok_or_else(|| invalid("url", expected))?;
        let expected = "expected whsec_ and 24 to 64 bytes in base64, as of openssl rand -base64 32";
        let signer = Signer::new(&secret).ok_or_else(|| invalid("secret", expected))?;
        Ok(Webhook::new(Client::new(nprt_http::client(&http)?, url, signer, secret), self.clock))
    }
}
