use nprt_core::model::Secret;
use nprt_http::ClientConfig;
use serde::Deserialize;

/// How to reach a receiver.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Where it listens. It is shown, and holds no secret: that is what the signature is for.
    pub url: String,
    /// What requests are signed by: `whsec_` and 24 to 64 random bytes in base64. The receiver has the same.
    pub secret: Secret,
    /// Time-outs of the request.
    #[serde(default)]
    pub http: ClientConfig,
}
