//! OTLP/HTTP beside statsd: on the listener of `deployer statsd`, and on an address of its own.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use http_body_util::LengthLimitError;
use nprt::otlp::{OtlpReceiver, OtlpReply};
use nprt::statsd::{Aggregator, StatsdConfig};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use crate::config::Limits;
use crate::http::{Peer, Server};

/// The path of the protocol.
pub(crate) const PATH: &str = "/v1/metrics";
/// Requests of a listener whose bodies are received at the same time.
const RECEIVED: usize = 16;
/// Of those, the requests of one peer: one that sends slowly keeps no other from sending.
const RECEIVED_OF_PEER: usize = 4;
/// Requests of a listener that are read at the same time: each may take some 100 MB.
const READ: usize = 2;
/// How long a request waits to be received, and to come in.
const PATIENCE: Duration = Duration::from_secs(10);

/// Takes in the requests of one listener.
#[derive(Debug, Clone)]
pub(crate) struct Otlp {
    receiver: Arc<OtlpReceiver>,
    places: Arc<Places>,
}

/// Room for requests.
#[derive(Debug)]
struct Places {
    received: Arc<Semaphore>,
    /// The part of each peer that sends.
    of_peers: Mutex<BTreeMap<Peer, Arc<Semaphore>>>,
    read: Arc<Semaphore>,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            received: Arc::new(Semaphore::new(RECEIVED)),
            of_peers: Mutex::default(),
            read: Arc::new(Semaphore::new(READ)),
        }
    }
}

impl Places {
    /// A place to be received, once there is one. No semaphore is ever closed: each gives a permit.
    async fn receive(&self, peer: Peer) -> [Option<OwnedSemaphorePermit>; 2] {
        let of_peer = self.of_peer(peer).acquire_owned().await.ok();
        [of_peer, Arc::clone(&self.received).acquire_owned().await.ok()]
    }

    fn of_peer(&self, peer: Peer) -> Arc<Semaphore> {
        let mut peers = self.of_peers.lock().unwrap_or_else(PoisonError::into_inner);
        // A permit holds its semaphore.
        peers.retain(|_, places| Arc::strong_count(places) > 1);
        Arc::clone(peers.entry(peer).or_insert_with(|| Arc::new(Semaphore::new(RECEIVED_OF_PEER))))
    }
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
        Ok(receiver.map(|receiver| Self { receiver: Arc::new(receiver), places: Arc::default() }))
    }

    /// Takes a request in.
    pub(crate) async fn answer(&self, peer: Peer, headers: &HeaderMap, body: Body) -> Response {
        let (kind, encoding) = (header(headers, CONTENT_TYPE), header(headers, CONTENT_ENCODING));
        let refused = |status, why: &str| response(OtlpReply::refused(status, kind.as_deref(), why));
        let most = self.receiver.max_request_bytes();
        let received = async {
            let place = self.places.receive(peer).await;
            (to_bytes(body, most).await, place)
        };
        let Ok((body, place)) = tokio::time::timeout(PATIENCE, received).await else {
            return refused(503, "other requests are received, or this one came too slowly");
        };
        let body = match body {
            Ok(body) => body,
            Err(error) if is_too_long(&error) => {
                return refused(413, &format!("expected at most {most} bytes"));
            }
            Err(_) => return refused(400, "the body broke off before its end"),
        };
        let reads = Arc::clone(&self.places.read).acquire_owned().await.ok();
        self.read(kind, encoding, body, (place, reads)).await
    }

    /// Reads on even where nobody waits for the answer any more; the permits are held until it is done.
    async fn read<P: Send + 'static>(
        &self,
        kind: Option<String>,
        encoding: Option<String>,
        body: Bytes,
        permits: P,
    ) -> Response {
        let (receiver, kind_of_answer) = (Arc::clone(&self.receiver), kind.clone());
        let read = move || {
            let reply = receiver.answer(kind.as_deref(), encoding.as_deref(), &body);
            drop((body, permits));
            reply
        };
        match tokio::task::spawn_blocking(read).await {
            Ok(reply) => response(reply),
            Err(error) => {
                tracing::error!(%error, "an OTLP request was not taken");
                let why = "the request was not taken: the log says why";
                response(OtlpReply::refused(500, kind_of_answer.as_deref(), why))
            }
        }
    }

    /// Binds the address of its own that the configuration says, if it does.
    ///
    /// # Errors
    /// Why it cannot.
    pub(crate) fn bind(config: &StatsdConfig) -> Result<Option<TcpListener>, String> {
        let Some(address) = config.otlp.as_ref().and_then(|otlp| otlp.listen) else { return Ok(None) };
        let cannot = |error: std::io::Error| format!("cannot listen on {address}: {error}");
        TcpListener::bind(address).map(Some).map_err(cannot)
    }

    /// Listens on an address of its own, where anybody who reaches it may send. Says where. What comes there takes no place from
    /// those who send elsewhere.
    ///
    /// # Errors
    /// Why it cannot.
    pub(crate) fn listen(
        &self,
        listener: TcpListener,
        limits: Limits,
    ) -> Result<(SocketAddr, Listening), String> {
        let cannot = |error: std::io::Error| format!("cannot listen for OTLP: {error}");
        let at = listener.local_addr().map_err(cannot)?;
        let own = Self { receiver: Arc::clone(&self.receiver), places: Arc::default() };
        let routes = Router::new().route(PATH, post(take)).with_state(own);
        let server = Server::on(listener, limits, routes).map_err(cannot)?;
        tracing::info!(listen = %at, "OTLP listens");
        Ok((at, Listening(tokio::spawn(server.serve(std::future::pending())))))
    }
}

async fn take(
    State(otlp): State<Otlp>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    otlp.answer(peer, &headers, body).await
}

/// Refuses a request with these headers, in its own encoding.
pub(crate) fn refused(status: StatusCode, headers: &HeaderMap, why: &str) -> Response {
    response(OtlpReply::refused(status.as_u16(), header(headers, CONTENT_TYPE).as_deref(), why))
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn is_too_long(error: &axum::Error) -> bool {
    error.source().is_some_and(<dyn Error + 'static>::is::<LengthLimitError>)
}

fn response(reply: OtlpReply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, [(CONTENT_TYPE, reply.content_type)], reply.body).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use nprt::clock::SystemClock;
    use nprt::otlp::OtlpConfig;

    use super::*;

    /// The client of a request is gone while it is read: the next one must not be read beside it without a permit.
    #[test]
    fn a_request_has_its_places_until_it_is_read_even_where_nobody_waits() {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).max_blocking_threads(1).enable_all().build().unwrap();
        let config = StatsdConfig { otlp: Some(OtlpConfig::default()), ..StatsdConfig::default() };
        let aggregator = Arc::new(Aggregator::new(&config, Arc::new(SystemClock)).unwrap());
        let otlp = Otlp::new(&config, aggregator).unwrap().unwrap();
        let free =
            |otlp: &Otlp| (otlp.places.received.available_permits(), otlp.places.read.available_permits());
        // The one thread that reads is busy.
        let (go_on, busy) = mpsc::channel::<()>();
        runtime.spawn_blocking(move || busy.recv());
        runtime.block_on(async {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, "application/json".parse().unwrap())]);
            let answer = otlp.answer(Peer::unknown(), &headers, Body::from("{}"));
            assert!(tokio::time::timeout(Duration::from_millis(300), answer).await.is_err());
            assert_eq!(free(&otlp), (RECEIVED - 1, READ - 1));
            go_on.send(()).unwrap();
            while free(&otlp) != (RECEIVED, READ) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(otlp.answer(Peer::unknown(), &headers, Body::from("{}")).await.status(), 200);
        });
    }

    #[tokio::test]
    async fn only_a_body_that_is_too_long_is_told_to_be() {
        let config = OtlpConfig { max_request_bytes: 10, ..OtlpConfig::default() };
        let config = StatsdConfig { otlp: Some(config), ..StatsdConfig::default() };
        let aggregator = Arc::new(Aggregator::new(&config, Arc::new(SystemClock)).unwrap());
        let otlp = Otlp::new(&config, aggregator).unwrap().unwrap();
        let reset: std::io::Result<Bytes> = Err(std::io::Error::other("reset"));
        let broken = Body::from_stream(futures_util::stream::iter([reset]));
        for (body, status) in [(Body::from("x".repeat(11)), 413), (broken, 400)] {
            let answer = otlp.answer(Peer::unknown(), &HeaderMap::new(), body).await;
            assert_eq!(answer.status(), status);
        }
    }
}
