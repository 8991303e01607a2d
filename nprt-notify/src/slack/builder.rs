use nprt_core::model::Secret;
use nprt_core::{Error, Result};
use nprt_http::{ClientConfig, base_url};
use url::{Host, Url};

use super::backend::Way;
use super::client::{WebApi, Webhook};
use super::{Slack, SlackConfig};

const OPERATION: &str = "slack.build";

/// Makes a [`Slack`].
#[derive(Debug, Clone)]
pub struct SlackBuilder(SlackConfig);

impl Slack {
    /// Begins with an incoming webhook's URL and the default time-outs.
    #[must_use]
    pub fn webhook(url: Secret) -> SlackBuilder {
        SlackBuilder(SlackConfig { webhook_url: Some(url), ..SlackConfig::new() })
    }

    /// Begins with a bot's token, the ID of a channel and the defaults.
    #[must_use]
    pub fn bot(token: Secret, channel: impl Into<String>) -> SlackBuilder {
        let channel = Some(channel.into());
        SlackBuilder(SlackConfig { token: Some(token), channel, ..SlackConfig::new() })
    }
}

impl From<SlackConfig> for SlackBuilder {
    fn from(config: SlackConfig) -> Self {
        Self(config)
    }
}

impl SlackBuilder {
    /// Calls the Web API elsewhere.
    #[must_use]
    pub fn api_url(mut self, url: impl Into<String>) -> Self {
        self.0.api_url = url.into();
        self
    }

    /// Sets the time-outs.
    #[must_use]
    pub fn http(mut self, http: ClientConfig) -> Self {
        self.0.http = http;
        self
    }

    /// The notifier; nothing is sent yet.
    ///
    /// # Errors
    /// `Invalid`, naming the field and never showing a secret, unless there is either a webhook's URL or a token
    /// and a channel's ID; for a URL that is none, or neither https nor on this machine; and as
    /// [`nprt_http::client`].
    pub fn build(self) -> Result<Slack> {
        let SlackConfig { webhook_url, token, channel, api_url, http } = self.0;
        let way = match (webhook_url, token, channel) {
            (Some(url), None, None) => {
                let url = webhook(&url)?;
                Way::Webhook(Webhook::new(nprt_http::client(&http)?, &url))
            }
            (None, Some(token), Some(channel)) => {
                let url = confidential(base_url(OPERATION, &api_url)?, "api_url")?;
                check_token(&token)?;
                check_channel(&channel)?;
                Way::Bot { api: WebApi::new(nprt_http::client(&http)?, url, token), channel }
            }
            _ => {
                let expected = "expected either webhook_url, or token and channel";
                return Err(Error::invalid(OPERATION, expected));
            }
        };
        Ok(Slack::new(way))
    }
}

fn webhook(url: &Secret) -> Result<Url> {
    let expected = "expected a URL such as https://hooks.slack.com/services/…";
    let url = Url::parse(url.expose()).map_err(|_| invalid("webhook_url", expected))?;
    confidential(url, "webhook_url")
}

/// # Errors
/// `Invalid` where others could read what is sent.
fn confidential(url: Url, field: &'static str) -> Result<Url> {
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
        return Err(invalid(field, "expected https: whoever reads the requests can post"));
    }
    Ok(url)
}

fn check_token(token: &Secret) -> Result<()> {
    let token = token.expose();
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(invalid(
            "token",
            "expected a bot's token, such as xoxb-…, without spaces and line breaks",
        ));
    }
    Ok(())
}

fn check_channel(channel: &str) -> Result<()> {
    let is_id = channel.starts_with(['C', 'G', 'D'])
        && (9..=32).contains(&channel.len())
        && channel.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if !is_id {
        let expected = "expected a channel's ID such as C0123456789, not its name";
        return Err(invalid("channel", expected).with("channel", format_args!("{channel:?}")));
    }
    Ok(())
}

fn invalid(field: &'static str, expected: &str) -> Error {
    Error::invalid(OPERATION, expected).with("field", field)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
