use nprt_core::model::Secret;
use nprt_http::ClientConfig;
use serde::Deserialize;

/// How to reach a channel in Slack.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlackConfig {
    /// The incoming webhook's URL. Whoever has it can post, so that it is a secret as a whole.
    pub webhook_url: Secret,
    /// Time-outs of the request.
    #[serde(default)]
    pub http: ClientConfig,
}
