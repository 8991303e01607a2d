//! The way to the API server: one connection by HTTP/2 for all requests and watches, as kubectl has it. kube's own
//! has one for each request that is under way, each with a TLS handshake, and waits 40 ms in each for want of
//! `TCP_NODELAY`.

use std::time::Duration;

use hyper_rustls::{FixedServerNameResolver, HttpsConnectorBuilder};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::retry::RetryPolicy;
use kube::client::{Body, ClientBuilder, ConfigExt, RustlsTlsError};
use tower::retry::RetryLayer;
use tower::util::MapResponseLayer;
use tower::{BoxError, ServiceBuilder};

use crate::server_time::ServerTime;

/// How often a server that is silent is asked whether it is there, and how long it may take to answer: all watches
/// hang on the one connection.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(10));

/// A client for the server that `config` names, with its credentials.
///
/// # Errors
/// Those of the credentials and certificates.
pub(crate) fn client(config: kube::Config, server: &ServerTime) -> Result<kube::Client, kube::Error> {
    if config.proxy_url.is_some() {
        // kube knows which proxies it was built for.
        let layer = MapResponseLayer::new(server.reader());
        return Ok(ClientBuilder::try_from(config)?.with_layer(&layer).build());
    }
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let mut tls =
        HttpsConnectorBuilder::new().with_tls_config(config.rustls_client_config()?).https_or_http();
    if let Some(name) = config.tls_server_name.clone() {
        let name =
            name.try_into().map_err(RustlsTlsError::InvalidServerName).map_err(kube::Error::RustlsTls)?;
        tls = tls.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    let mut connector = TimeoutConnector::new(tls.enable_http1().enable_http2().wrap_connector(tcp));
    connector.set_connect_timeout(config.connect_timeout);
    let (interval, timeout) = KEEP_ALIVE;
    let http = Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .http2_keep_alive_interval(interval)
        .http2_keep_alive_timeout(timeout)
        .build::<_, Body>(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.default_retry.then(|| RetryLayer::new(RetryPolicy::server_retry())))
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .map_response(server.reader())
        .service(http);
    Ok(ClientBuilder::new(service, config.default_namespace).build())
}
