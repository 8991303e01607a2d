//! Accepts connections, each with limits of its own, and ends them in order.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{CONNECTION, TRANSFER_ENCODING};
use axum::http::{HeaderValue, Request, Response, Version};
use axum::response::IntoResponse;
use axum::{BoxError, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tower::ServiceExt;

use super::answered::Answered;
use super::head::Heads;
use super::pace::{Pace, Paced};
use super::peer::Peer;
use super::problem::Problem;
use super::room::{Room, Seat};
use super::seldom::Seldom;
use super::{health, host, middleware, router};
use crate::app::App;
use crate::config::Limits;
use crate::files;

/// The most headers that a request may have.
const HEADERS: usize = 64;
/// Requests of one connection at once (HTTP/2).
const STREAMS: u32 = 64;
/// How long answers may take to be sent, even where all time is over.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// A server that listens.
pub(crate) struct Server {
    listener: TcpListener,
    limits: Limits,
    routes: Router,
}

/// hyper reads into whatever its buffer has allocated, which may be twice the limit of a head, and takes a head that fits.
/// Heads are looked at up to this many times the limit, so that hyper takes none that was not looked at.
const LOOKED_AT: usize = 4;

impl Server {
    /// Listens on `address`.
    ///
    /// # Errors
    /// Why it cannot.
    pub(crate) async fn bind(address: SocketAddr, app: App) -> Result<Self, String> {
        Self::of(address, app.current().config.limits, router(app)).await
    }

    /// The same of any routes.
    ///
    /// # Errors
    /// Why it cannot.
    pub(crate) async fn of(address: SocketAddr, limits: Limits, routes: Router) -> Result<Self, String> {
        let cannot = |error: std::io::Error| format!("cannot listen on {address}: {error}");
        let listener = TcpListener::bind(address).await.map_err(cannot)?;
        Ok(Self { listener, limits: limits.with_connections(files::connections(limits.connections)), routes })
    }

    /// The same on a socket that listens already.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn on(
        listener: std::net::TcpListener,
        limits: Limits,
        routes: Router,
    ) -> std::io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        Ok(Self { listener, limits: limits.with_connections(files::connections(limits.connections)), routes })
    }

    /// One that answers probes of health alone, whatever else is going on.
    ///
    /// # Errors
    /// Why it cannot.
    pub(crate) async fn of_health(address: SocketAddr, app: &App) -> Result<Self, String> {
        // All probes of a node come from it.
        let limits =
            Limits { connections: 64, connections_per_peer: Some(64), ..app.current().config.limits };
        Self::of(address, limits, health(app.clone())).await
    }

    /// Where it listens.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn address(&self) -> Result<SocketAddr, String> {
        self.listener.local_addr().map_err(|error| error.to_string())
    }

    /// Serves until `end`, which says when all time is over for what is under way. Whoever asks for something meanwhile
    /// is told to ask another replica.
    pub(crate) async fn serve(self, end: impl Future<Output = Instant>) {
        let connections = GracefulShutdown::new();
        let limit = tokio::select! {
            () = self.accept(&connections) => return,
            limit = end => limit,
        };
        drop(self.listener);
        let limit = limit.max(Instant::now() + LAST_ANSWERS);
        if tokio::time::timeout_at(limit, connections.shutdown()).await.is_err() {
            tracing::warn!("ends with connections that are open");
        }
    }

    /// Accepts connections without end.
    async fn accept(&self, connections: &GracefulShutdown) {
        let room = Room::new(self.limits.connections, self.limits.connections_per_peer());
        let (failed, refused) = (Seldom::default(), Seldom::default());
        loop {
            let (stream, peer) = match self.listener.accept().await {
                Ok((stream, address)) => (stream, Peer::from(address)),
                Err(error) => {
                    if let Some(left_out) = failed.now() {
                        tracing::warn!(%error, left_out, "no connection was accepted");
                    }
                    // Such as too many open files: one that is idle gives its own, or others may end.
                    let pause = if room.end_one() { 5 } else { 100 };
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                    continue;
                }
            };
            // Where all is in use, it waits here, and the next ones in the kernel.
            match room.enter(peer).await {
                Some(seat) => connect(stream, peer, seat, &self.limits, self.routes.clone(), connections),
                None => {
                    if let Some(left_out) = refused.now() {
                        let most = self.limits.connections_per_peer();
                        tracing::warn!(%peer, most, left_out, "refused: limits.connections_per_peer");
                    }
                }
            }
        }
    }
}

fn connect(
    stream: TcpStream,
    peer: Peer,
    seat: Seat,
    limits: &Limits,
    routes: Router,
    connections: &GracefulShutdown,
) {
    let _ = stream.set_nodelay(true);
    let mut builder = Builder::new(TokioExecutor::new());
    // How long a header may take, the pace says.
    builder.http1().header_read_timeout(None).max_headers(HEADERS).max_buf_size(limits.header_bytes);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX));
    let (seat, header_bytes) = (Arc::new(seat), limits.header_bytes);
    let pace = Pace::new(limits, Arc::clone(&seat));
    let stream =
        TokioIo::new(Paced::new(stream, pace.clone(), Heads::new(header_bytes.saturating_mul(LOOKED_AT))));
    let service = tower::service_fn(move |mut request: Request<_>| {
        request.extensions_mut().insert(peer);
        answer(routes.clone(), header_bytes, pace.clone(), request)
    });
    let connection = builder.serve_connection(stream, TowerToHyperService::new(service)).into_owned();
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        tokio::select! {
            // A client that breaks off is no news.
            _ = connection => {}
            () = seat.ended() => {}
        }
    });
}

/// Answers a request, which is under way until its answer is sent.
async fn answer<B>(
    routes: Router,
    header_bytes: usize,
    pace: Pace,
    request: Request<B>,
) -> Result<Response<Body>, Infallible>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let Some(under_way) = pace.request(request.version()) else {
        // The connection is about to be dropped, and this with it.
        return std::future::pending().await;
    };
    // Where such a body ends hyper alone knows: nothing that comes after it is taken for a request.
    let is_last = request.version() < Version::HTTP_2 && request.headers().contains_key(TRANSFER_ENCODING);
    let mut answer = if size(&request) > header_bytes {
        // hyper answers a head that does not fit into its buffer by itself; one that just fits may be twice the limit.
        Problem::too_large_headers(header_bytes).into_response()
    } else if let Some(wrong) = host::wrong(&request) {
        Problem::invalid(wrong).into_response()
    } else {
        routes.oneshot(request.map(Body::new)).await?
    };
    middleware::protect(answer.headers_mut());
    if is_last {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(answer.map(|body| Body::new(Answered::new(body, under_way))))
}

/// The bytes of a request's line and headers, about.
fn size<B>(request: &Request<B>) -> usize {
    let line = request.uri().path().len() + request.uri().query().map_or(0, str::len);
    request.headers().iter().fold(line, |all, (name, value)| all + name.as_str().len() + value.len())
}
