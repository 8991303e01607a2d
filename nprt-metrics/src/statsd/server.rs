use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use nprt_core::ports::Clock;
use nprt_core::{Error, ErrorKind, Result};
use tokio::io::AsyncRead;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use super::forward::Forward;
use super::receive::receive;
use super::sink::Sink;
use super::socket::{Socket, bind};
use super::{Aggregator, Listen, StatsdConfig, StatsdStats, stream};

/// So many connections are open at the same time; more wait.
const MOST_CONNECTIONS: usize = 1_024;

/// A running statsd server; dropped, it stops within a second. What it heard lives on in its [`Aggregator`].
#[derive(Debug)]
pub struct StatsdServer {
    /// Those of addresses, in the order of the configuration.
    addresses: Vec<SocketAddr>,
    aggregator: Arc<Aggregator>,
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
    /// Of Unix sockets, which are removed at the end.
    paths: Vec<PathBuf>,
}

impl StatsdServer {
    /// Binds the addresses of `config` (port 0 takes a free one) and receives from then on: datagrams on threads of its
    /// own, connections in tasks of the running tokio runtime.
    ///
    /// # Errors
    /// `Invalid` as [`Aggregator::new`], or outside a tokio runtime; `Unavailable` when an address cannot be bound.
    pub fn start(config: &StatsdConfig, clock: Arc<dyn Clock>) -> Result<Self> {
        let aggregator = Arc::new(Aggregator::new(config, clock)?);
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::invalid("statsd.start", "expected a running tokio runtime"));
        }
        let forward = config.forward.as_deref().map(Forward::new).transpose()?;
        let sink = Sink { aggregator: Arc::clone(&aggregator), forward };
        let mut server = Self {
            addresses: Vec::new(),
            aggregator,
            stop: Arc::default(),
            tasks: Vec::new(),
            paths: Vec::new(),
        };
        // All are bound before the first one receives.
        let mut sockets = Vec::new();
        for listen in [&Listen::Udp(config.listen)].into_iter().chain(&config.also_listen) {
            let (socket, address) = bind(listen, config.receive_buffer_bytes)?;
            server.addresses.extend(address);
            if let Listen::Unix(path) | Listen::UnixStream(path) = listen {
                server.paths.push(path.clone());
            }
            sockets.push(socket);
        }
        for socket in sockets {
            server.receive(socket, sink.clone())?;
        }
        if let Some(forward) = &sink.forward {
            server.tasks.push(tokio::spawn(Forward::follow(Arc::downgrade(forward))));
        }
        Ok(server)
    }

    /// The UDP address that it receives on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        let unknown = || SocketAddr::from(([0, 0, 0, 0], 0));
        self.addresses.first().copied().unwrap_or_else(unknown)
    }

    /// All UDP and TCP addresses that it receives on, in the order of the configuration.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The backend that answers with what was received.
    #[must_use]
    pub fn backend(&self) -> Arc<Aggregator> {
        Arc::clone(&self.aggregator)
    }

    /// What was received so far.
    #[must_use]
    pub fn stats(&self) -> StatsdStats {
        self.aggregator.stats()
    }

    fn receive(&mut self, socket: Socket, sink: Sink) -> Result<()> {
        let cannot = |error: std::io::Error| {
            Error::new(ErrorKind::Unavailable, "statsd.start", "the socket cannot be received from")
                .with_source(error)
        };
        match socket {
            Socket::Datagrams(socket) => {
                let stop = Arc::clone(&self.stop);
                let thread = std::thread::Builder::new().name("statsd".to_owned());
                thread.spawn(move || receive(&socket, &sink, &stop)).map_err(cannot)?;
            }
            Socket::Tcp(listener) => {
                let listener = TcpListener::from_std(listener).map_err(cannot)?;
                let next = move |context: &mut Context<'_>| {
                    listener.poll_accept(context).map_ok(|(stream, _)| stream)
                };
                self.tasks.push(tokio::spawn(accept(next, sink)));
            }
            Socket::Unix(listener) => {
                let listener = UnixListener::from_std(listener).map_err(cannot)?;
                let next = move |context: &mut Context<'_>| {
                    listener.poll_accept(context).map_ok(|(stream, _)| stream)
                };
                self.tasks.push(tokio::spawn(accept(next, sink)));
            }
        }
        Ok(())
    }
}

impl Drop for StatsdServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.tasks.iter().for_each(JoinHandle::abort);
        for path in &self.paths {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Takes in connections, each in a task; with this future, they end.
async fn accept<S: AsyncRead + Unpin + Send + 'static>(
    mut next: impl FnMut(&mut Context<'_>) -> Poll<std::io::Result<S>>,
    sink: Sink,
) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        while connections.try_join_next().is_some() {}
        match std::future::poll_fn(&mut next).await {
            Ok(stream) => {
                let sink = sink.clone();
                connections.spawn(async move {
                    stream::read(stream, sink).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a statsd connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
