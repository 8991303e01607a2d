//! Git over HTTP and HTTPS.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use gix::protocol::transport::Protocol;
use gix::protocol::transport::client::TransportWithoutIO as _;
use gix::protocol::transport::client::blocking_io::Transport;
use gix::protocol::transport::client::blocking_io::http;
use gix::protocol::transport::client::blocking_io::http::options::FollowRedirects;
use gix::protocol::transport::client::blocking_io::http::reqwest::{Options, Remote};
use nprt_core::Result;
use url::Url;

use super::client::OPERATION;
use super::error::from_gix;

/// How the requests are made.
pub(super) struct Http {
    timeout: Duration,
    /// Reading the system's certificates takes time: once, and when they are needed.
    tls: OnceLock<Arc<rustls::ClientConfig>>,
}

impl Http {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout, tls: OnceLock::new() }
    }

    pub(super) fn transport(&self, url: &Url) -> Result<Box<dyn Transport + Send>> {
        let failed = |error| from_gix(OPERATION, error);
        let tls = self.tls()?;
        let timeout = self.timeout;
        let options = Options {
            configure_client: Some(Box::new(move |client| {
                let tls = rustls::ClientConfig::clone(&tls);
                Ok(client.tls_backend_preconfigured(tls).timeout(timeout).connect_timeout(timeout))
            })),
            configure_request: None,
        };
        let url = gix::url::parse(url.as_str()).map_err(failed)?;
        let mut transport = http::connect::<Remote>(url, Protocol::V2, false);
        let options = http::Options {
            backend: Some(Arc::new(Mutex::new(options))),
            // Also of the request that has credentials. They do not go along to another host.
            follow_redirects: FollowRedirects::All,
            ..Default::default()
        };
        transport.configure(&options).map_err(failed)?;
        Ok(Box::new(transport))
    }

    fn tls(&self) -> Result<Arc<rustls::ClientConfig>> {
        if let Some(tls) = self.tls.get() {
            return Ok(Arc::clone(tls));
        }
        let tls = Arc::new(nprt_http::tls()?);
        Ok(Arc::clone(self.tls.get_or_init(|| tls)))
    }
}
