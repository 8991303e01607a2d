use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::batch::Batch;
use super::drops::Drops;
use super::sink::Sink;

/// A socket waits so long for a datagram before it looks whether it is to stop.
pub(super) const WAIT: Duration = Duration::from_millis(200);

/// Receives datagrams until told to stop, on a thread of its own: one call of the system for as many as are there, and none
/// to wait for them. No sender can cause an error here: the socket is not connected and sends nothing, so that the kernel
/// hands it no ICMP answers. What remains (a kernel short of memory) is counted and waited out; it never ends the server.
pub(super) fn receive(socket: &impl AsFd, sink: &Sink, stop: &Arc<AtomicBool>) {
    let (mut batch, mut drops) = (Batch::new(), Drops::of(socket.as_fd()));
    while !stop.load(Ordering::Relaxed) {
        match batch.receive(socket.as_fd()) {
            Ok(()) => sink.take(batch.packets()),
            Err(error) if is_quiet(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "a statsd datagram could not be received");
                sink.aggregator.receive_failed();
                // The thread is its own: nothing else waits for it.
                std::thread::park_timeout(WAIT);
            }
        }
        let more = drops.more();
        if more > 0 {
            sink.aggregator.dropped(more);
        }
    }
}

/// Nothing came, or a signal did.
fn is_quiet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}
