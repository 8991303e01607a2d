use nprt_core::model::Secret;
use nprt_core::{Error, Result};
use nprt_http::ClientConfig;
use url::{Host, Url};

use super::client::Client;
use super::{Slack, SlackConfig};

/// Makes a [`Slack`].
#[derive(Debug, Clone)]
pub struct SlackBuilder(SlackConfig);

impl Slack {
    /// Begins with a webhook's URL and the default time-outs.
    #[must_use]
    pub fn builder(webhook_url: Secret) -> SlackBuilder {
        SlackBuilder(SlackConfig { webhook_url, http: ClientConfig::default() })
    }
}

impl From<SlackConfig> for SlackBuilder {
    fn from(config: SlackConfig) -> Self {
        Self(config)
    }
}

impl SlackBuilder {
    /// Sets the time-outs.
    #[must_use]
    pub fn http(mut self, http: ClientConfig) -> Self {
        self.0.http = http;
        self
    }

    /// The notifier; nothing is sent yet.
    ///
    /// # Errors
    /// `Invalid`, never showing the URL, when it is none, or neither https nor on this machine; and as
    /// [`nprt_http::client`].
    pub fn build(self) -> Result<Slack> {
        let invalid = |expected| Error::invalid("slack.build", expected).with("field", "webhook_url");
        let url = Url::parse(self.0.webhook_url.expose())
            .map_err(|_| invalid("expected a URL such as https://hooks.slack.com/services/…"))?;
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
            return Err(invalid("expected https: whoever reads the URL can post"));
        }
        Ok(Slack::new(Client::new(nprt_http::client(&self.0.http)?, &url)))
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
