use nprt_core::model::Secret;
use nprt_http::ClientConfig;
use serde::Deserialize;

/// How to reach a channel in Slack: by `webhook_url`, or by `token` and `channel`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlackConfig {
    /// The incoming webhook's URL. Whoever has it can post, so that it is a secret as a whole.
    #[serde(default)]
    pub webhook_url: Option<Secret>,
    /// The token of an app's bot user, such as `xoxb-…`. The app needs the scope `chat:write`, and for threads
    /// `channels:history` (of a private channel `groups:history`); it must be invited to the channel.
    #[serde(default)]
    pub token: Option<Secret>,
    /// The channel's ID, such as `C0123456789`, which is at the end of what Slack shows about a channel. A name
    /// would be lost when somebody changes it.
    #[serde(default)]
    pub channel: Option<String>,
    /// Where the Web API is: `https://slack.com/api/` by default.
    #[serde(default = "api_url")]
    pub api_url: String,
    /// Time-outs of a request.
    #[serde(default)]
    pub http: ClientConfig,
}

impl SlackConfig {
    pub(super) fn new() -> Self {
        let http = ClientConfig::default();
        Self { webhook_url: None, token: None, channel: None, api_url: api_url(), http }
    }
}

fn api_url() -> String {
    "https://slack.com/api/".to_owned()
}
