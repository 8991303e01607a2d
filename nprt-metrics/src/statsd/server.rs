use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use nprt_core::ports::Clock;
use nprt_core::{Error, ErrorKind, Result};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use super::{Aggregator, StatsdConfig, StatsdStats};

/// A running statsd server; dropped, it stops. What it heard lives on in its [`Aggregator`].
#[derive(Debug)]
pub struct StatsdServer {
    address: SocketAddr,
    aggregator: Arc<Aggregator>,
    task: JoinHandle<()>,
}

impl StatsdServer {
    /// Binds the address of `config` (port 0 takes a free one) and receives from then on, in a task of the
    /// running tokio runtime.
    ///
    /// # Errors
    /// `Invalid` as [`Aggregator::new`], or outside a tokio runtime; `Unavailable` when the address cannot be bound.
    pub fn start(config: &StatsdConfig, clock: Arc<dyn Clock>) -> Result<Self> {
        let aggregator = Arc::new(Aggregator::new(config, clock)?);
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::invalid("statsd.start", "expected a running tokio runtime"));
        }
        let cannot_bind = |error: std::io::Error| {
            Error::new(ErrorKind::Unavailable, "statsd.start", "the address cannot be bound")
                .with("listen", config.listen)
                .with_source(error)
        };
        let socket = std::net::UdpSocket::bind(config.listen).map_err(cannot_bind)?;
        socket.set_nonblocking(true).map_err(cannot_bind)?;
        let asked = socket2::SockRef::from(&socket).set_recv_buffer_size(config.receive_buffer_bytes);
        if let Err(error) = asked {
            tracing::warn!(%error, "the receive buffer keeps the system's size");
        }
        let address = socket.local_addr().map_err(cannot_bind)?;
        let socket = UdpSocket::from_std(socket).map_err(cannot_bind)?;
        let task = tokio::spawn(receive(socket, Arc::clone(&aggregator)));
        Ok(Self { address, aggregator, task })
    }

    /// The address that it receives on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
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
}

impl Drop for StatsdServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Receives until it is aborted. No sender can cause an error here: the socket is not connected and sends
/// nothing, so that the kernel hands it no ICMP answers. What remains (a kernel short of memory) is counted
/// and waited out; it never ends the server.
async fn receive(socket: UdpSocket, aggregator: Arc<Aggregator>) {
    // The largest UDP datagram.
    let mut packet = vec![0; 65_536];
    loop {
        match socket.recv(&mut packet).await {
            Ok(length) => aggregator.ingest(packet.get(..length).unwrap_or_default()),
            Err(error) => {
                tracing::warn!(%error, "a statsd datagram could not be received");
                aggregator.receive_failed();
                aggregator.clock().sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
