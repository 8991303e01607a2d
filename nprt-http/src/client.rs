use std::sync::Arc;
use std::time::Duration;

use nprt_core::{Error, ErrorKind, Result};
use reqwest::redirect::Policy;
use rustls_platform_verifier::BuilderVerifierExt;
use serde::{Deserialize, Serialize};

/// How a backend makes its requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientConfig {
    /// Seconds that a request may take in all; 30 by default.
    pub timeout_seconds: u64,
    /// Seconds to connect; 5 by default.
    pub connect_timeout_seconds: u64,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self { timeout_seconds: 30, connect_timeout_seconds: 5 }
    }
}

/// A client by `config`: ring for TLS, the system's trusted certificates, at most five redirects and none
/// to another host (credentials and queries would go along).
///
/// # Errors
/// `Invalid` for a time-out of zero, `Unexpected` when TLS cannot be set up (no trusted certificates).
pub fn client(config: &ClientConfig) -> Result<reqwest::Client> {
    if config.timeout_seconds == 0 || config.connect_timeout_seconds == 0 {
        return Err(Error::invalid("http.client", "a time-out must be at least one second"));
    }
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls()?)
        .user_agent(concat!("nprt/", env!("CARGO_PKG_VERSION")))
        .timeout(Duration::from_secs(config.timeout_seconds))
        .connect_timeout(Duration::from_secs(config.connect_timeout_seconds))
        .redirect(Policy::custom(|attempt| {
            let same_host =
                attempt.previous().last().map(reqwest::Url::origin) == Some(attempt.url().origin());
            if same_host && attempt.previous().len() <= 5 { attempt.follow() } else { attempt.stop() }
        }))
        .build()
        .map_err(|error| {
            Error::new(ErrorKind::Unexpected, "http.client", "the client cannot be built").with_source(error)
        })
}

/// TLS by ring, with the system's trusted certificates. Reading these takes some milliseconds.
///
/// # Errors
/// `Unexpected` when it cannot be set up (no trusted certificates).
pub fn tls() -> Result<rustls::ClientConfig> {
    let failed = |error: rustls::Error| {
        Error::new(ErrorKind::Unexpected, "http.client", "TLS cannot be set up").with_source(error)
    };
    Ok(rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_platform_verifier()
        .map_err(failed)?
        .with_no_client_auth())
}
