use nprt_core::model::Secret;
use nprt_http::ClientConfig;
use serde::Deserialize;

/// A process that aggregates what statsd clients send.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AggregatorConfig {
    /// Its address, with the path in front of `v1` if there is one; without credentials.
    pub url: String,
    /// The bearer token; none by default.
    #[serde(default)]
    pub token: Option<Secret>,
    /// How requests are made.
    #[serde(default)]
    pub http: ClientConfig,
    /// Bytes that one answer may have; 64 MiB by default.
    #[serde(default = "max_response_bytes")]
    pub max_response_bytes: usize,
    /// Bytes that the answers to one question may take in memory together, when they are read; 256 MiB by default.
    #[serde(default = "max_kept_bytes")]
    pub max_kept_bytes: usize,
}

impl AggregatorConfig {
    /// The one at `url`, which wants `token`.
    #[must_use]
    pub fn new(url: impl Into<String>, token: impl Into<String>) -> Self {
        let max_response_bytes = max_response_bytes();
        Self {
            url: url.into(),
            token: Some(Secret::new(token)),
            http: ClientConfig::default(),
            max_response_bytes,
            max_kept_bytes: max_kept_bytes(),
        }
    }
}

fn max_response_bytes() -> usize {
    64 << 20
}

fn max_kept_bytes() -> usize {
    256 << 20
}
