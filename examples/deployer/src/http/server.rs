//! Accepts connections, each with limits of its own, and ends them in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use super::router;
use crate::app::App;
use crate::config::Limits;

/// The most headers that a request may have.
const HEADERS: usize = 64;
/// Requests of one connection at once (HTTP/2).
const STREAMS: u32 = 64;

/// A server that listens.
pub(crate) struct Server {
    listener: TcpListener,
    limits: Limits,
    routes: Router,
    /// What goes on when its request is gone.
    tasks: TaskTracker,
}

impl Server {
    /// Listens on `address`.
    ///
    /// # Errors
    /// Why it cannot.
    pub(crate) async fn bind(address: SocketAddr, app: App) -> Result<Self, String> {
        let (limits, tasks) = (app.current().config.limits, app.tasks().clone());
        Self::of(address, limits, router(app), tasks).await
    }

    /// The same of any routes.
    ///
    /// # Errors
    /// Why it cannot.
    pub(crate) async fn of(
        address: SocketAddr,
        limits: Limits,
        routes: Router,
        tasks: TaskTracker,
    ) -> Result<Self, String> {
        let cannot = |error: std::io::Error| format!("cannot listen on {address}: {error}");
        Ok(Self { listener: TcpListener::bind(address).await.map_err(cannot)?, limits, routes, tasks })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn address(&self) -> Result<SocketAddr, String> {
        self.listener.local_addr().map_err(|error| error.to_string())
    }

    /// Serves until `end`. What is under way then has as long as the limits say; what is left is undone by the
    /// library's next operation.
    pub(crate) async fn serve(self, end: impl Future<Output = ()>) {
        let connections = GracefulShutdown::new();
        let room = Arc::new(Semaphore::new(self.limits.connections));
        tokio::pin!(end);
        loop {
            let accepted = tokio::select! {
                () = &mut end => break,
                accepted = accept(&self.listener, &room) => accepted,
            };
            if let Some((stream, permit)) = accepted {
                connect(stream, permit, &self.limits, self.routes.clone(), &connections);
            }
        }
        let tasks = self.tasks;
        tasks.close();
        let patience = Duration::from_secs(self.limits.shutdown_seconds);
        let all = futures_util::future::join(connections.shutdown(), tasks.wait());
        if tokio::time::timeout(patience, all).await.is_err() {
            tracing::warn!("ends with requests under way");
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
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.receive_seconds))
        .max_headers(HEADERS)
        .max_buf_size(limits.header_bytes);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX));
    let service = TowerToHyperService::new(routes);
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        // A client that breaks off is no news.
        let _ = connection.await;
        drop(permit);
    });
}
