//! Accepts connections, each with limits of its own, and ends them in order.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Response};
use axum::response::IntoResponse;
use axum::{BoxError, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tower::ServiceExt;

use super::answered::Answered;
use super::pace::{Pace, Paced};
use super::problem::Problem;
use super::router;
use crate::app::App;
use crate::config::Limits;

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
        Ok(Self { listener: TcpListener::bind(address).await.map_err(cannot)?, limits, routes })
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
        let room = Arc::new(Semaphore::new(self.limits.connections));
        loop {
            if let Some((stream, permit)) = accept(&self.listener, &room).await {
                connect(stream, permit, &self.limits, self.routes.clone(), connections);
            }
        }
    }
}

/// The next connection. One too many waits in the kernel.
async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, permit)),
        Err(error) => {
            // Such as too many open files: others may end.
            tracing::warn!(%error, "no connection was accepted");
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

fn connect(
    stream: TcpStream,
    permit: OwnedSemaphorePermit,
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
    let (pace, header_bytes) = (Pace::new(limits), limits.header_bytes);
    let stream = TokioIo::new(Paced::new(stream, pace.clone()));
    let service =
        tower::service_fn(move |request| answer(routes.clone(), header_bytes, pace.clone(), request));
    let connection = builder.serve_connection(stream, TowerToHyperService::new(service)).into_owned();
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        // A client that breaks off is no news.
        let _ = connection.await;
        drop(permit);
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
    let under_way = pace.request(request.version());
    let answer = match size(&request) <= header_bytes {
        true => routes.oneshot(request.map(Body::new)).await?,
        // hyper ends what is larger than its buffer; what just fits may be twice as much.
        false => Problem::too_large_headers(header_bytes).into_response(),
    };
    Ok(answer.map(|body| Body::new(Answered::new(body, under_way))))
}

/// The bytes of a request's line and headers, about.
fn size<B>(request: &Request<B>) -> usize {
    let line = request.uri().path().len() + request.uri().query().map_or(0, str::len);
    request.headers().iter().fold(line, |all, (name, value)| all + name.as_str().len() + value.len())
}
