use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nprt_core::{Error, ErrorKind, Result};
use reqwest::redirect::Policy;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls_platform_verifier::{BuilderVerifierExt as _, Verifier};
use serde::{Deserialize, Serialize};

/// How a backend makes its requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientConfig {
    /// Seconds that a request may take in all; 30 by default.
    pub timeout_seconds: u64,
    /// Seconds to connect; 5 by default.
    pub connect_timeout_seconds: u64,
    /// A file of certificates in PEM that are trusted beside the system's, for a server whose certificate an authority of
    /// your own signed. It is read once.
    pub ca: Option<PathBuf>,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self { timeout_seconds: 30, connect_timeout_seconds: 5, ca: None }
    }
}

/// A client by `config`: ring for TLS, the system's trusted certificates, at most five redirects and none
/// to another host (credentials and queries would go along).
///
/// # Errors
/// `Invalid` for a time-out of zero or certificates that cannot be read, `Unexpected` when TLS cannot be set up (no
/// trusted certificates).
pub fn client(config: &ClientConfig) -> Result<reqwest::Client> {
    if config.timeout_seconds == 0 || config.connect_timeout_seconds == 0 {
        return Err(Error::invalid("http.client", "a time-out must be at least one second"));
    }
    let more = config.ca.as_deref().map(certificates).transpose()?.unwrap_or_default();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls_with(more)?)
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
    tls_with(Vec::new())
}

/// The same, where these are trusted as well.
fn tls_with(more: Vec<CertificateDer<'static>>) -> Result<rustls::ClientConfig> {
    let failed = |error: rustls::Error| {
        Error::new(ErrorKind::Unexpected, "http.client", "TLS cannot be set up").with_source(error)
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    if more.is_empty() {
        return Ok(builder.with_platform_verifier().map_err(failed)?.with_no_client_auth());
    }
    let verifier = Verifier::new_with_extra_roots(more, provider).map_err(failed)?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// The certificates of a file.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let wrong = |message: &str| Error::invalid("http.client", message).with("ca", path.display());
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong("the certificates cannot be read").with_source(error))?;
    if certificates.is_empty() {
        return Err(wrong("expected certificates in PEM, found none"));
    }
    Ok(certificates)
}
