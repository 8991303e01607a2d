//! OTLP/HTTP beside statsd: on the listener of `deployer statsd`, and on an address of its own.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use nprt::otlp::{OtlpReceiver, OtlpReply};
use nprt::statsd::{Aggregator, StatsdConfig};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::config::Limits;
use crate::http::Server;

/// The path of the protocol.
pub(crate) const PATH: &str = "/v1/metrics";
/// Requests whose bodies are received at the same time.
const RECEIVED: usize = 16;
/// Requests that are read at the same time: each may take some 100 MB.
const READ: usize = 2;
/// How long a request waits to be received, and to come in.
const PATIENCE: Duration = Duration::from_secs(10);

/// Takes requests in.
#[derive(Debug, Clone)]
pub(crate) struct Otlp {
    receiver: Arc<OtlpReceiver>,
    received: Arc<Semaphore>,
    read: Arc<Semaphore>,
}

/// Listens on an address of its own until it is dropped.
#[derive(Debug)]
pub(crate) struct Listening(JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Otlp {
    /// One that feeds the aggregator, which was made of the same configuration; none where it does not take OTLP.
    ///
    /// # Errors
    /// `Invalid` for a wrong configuration.
    pub(crate) fn new(config: &StatsdConfig, aggregator: Arc<Aggregator>) -> nprt::Result<Option<Self>> {
        let receiver = config.otlp.as_ref().map(|otlp| OtlpReceiver::new(otlp, aggregator)).transpose()?;
        Ok(receiver.map(|receiver| Self {
            receiver: Arc::new(receiver),
            received: Arc::new(Semaphore::new(RECEIVED)),
            read: Arc::new(Semaphore::new(READ)),
        }))
    }

    /// Takes a request in.
    pub(crate) async fn answer(&self, headers: &HeaderMap, body: Body) -> Response {
        let header = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::to_owned);
        let (kind, encoding) = (header(CONTENT_TYPE), header(CONTENT_ENCODING));
        let refused = |status, why: &str| response(OtlpReply::refused(status, kind.as_deref(), why));
        let most = self.receiver.max_request_bytes();
        let received = async {
            // Neither is ever closed.
            let place = self.received.acquire().await;
            (to_bytes(body, most).await, place)
        };
        let Ok((body, _place)) = tokio::time::timeout(PATIENCE, received).await else {
            return refused(503, "other requests are received, or this one came too slowly");
        };
        let Ok(body) = body else {
            return refused(413, &format!("expected at most {most} bytes"));
        };
        let _reads = self.read.acquire().await;
        self.read(kind, encoding, body).await
    }

    async fn read(&self, kind: Option<String>, encoding: Option<String>, body: Bytes) -> Response {
        let receiver = Arc::clone(&self.receiver);
        let read = move || receiver.answer(kind.as_deref(), encoding.as_deref(), &body);
        match tokio::task::spawn_blocking(read).await {
            Ok(reply) => response(reply),
            Err(error) => {
                tracing::error!(%error, "an OTLP request was not taken");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }

    /// Listens on an address of its own, where anybody who reaches it may send. Says where.
    ///
    /// # Errors
    /// Why it cannot.
    pub(crate) fn listen(
        self,
        address: SocketAddr,
        limits: Limits,
    ) -> Result<(SocketAddr, Listening), String> {
        let cannot = |error: std::io::Error| format!("cannot listen on {address}: {error}");
        let listener = TcpListener::bind(address).map_err(cannot)?;
        let at = listener.local_addr().map_err(cannot)?;
        let routes = Router::new().route(PATH, post(take)).with_state(self);
        let server = Server::on(listener, limits, routes).map_err(cannot)?;
        tracing::info!(listen = %at, "OTLP listens");
        Ok((at, Listening(tokio::spawn(server.serve(std::future::pending())))))
    }
}

async fn take(State(otlp): State<Otlp>, headers: HeaderMap, body: Body) -> Response {
    otlp.answer(&headers, body).await
}

fn response(reply: OtlpReply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, [(CONTENT_TYPE, reply.content_type)], reply.body).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
