use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use socket2::SockRef;

use super::batch::Batch;
use super::drops::Drops;
use super::sink::Sink;

/// A socket waits so long for a datagram before it looks whether it is to stop.
pub(super) const WAIT: Duration = Duration::from_millis(200);

/// A batch of so many means that they come fast enough by themselves.
const MANY: usize = 16;
/// The longest pause.
const LONGEST: Duration = Duration::from_millis(1);

/// Receives datagrams until told to stop, on a thread of its own: one call of the system for as many as are there, and none
/// to wait for them. While few come, it pauses a moment after each batch, so that it is not woken for each datagram: that
/// costs more than what is in it. No sender can cause an error here: the socket is not connected and sends nothing, so that the kernel
/// hands it no ICMP answers. What remains (a kernel short of memory) is counted and waited out; it never ends the server.
pub(super) fn receive(socket: &impl AsFd, sink: &Sink, stop: &Arc<AtomicBool>) {
    let (mut batch, mut drops) = (Batch::new(), Drops::of(socket.as_fd()));
    let pause = pause(socket);
    while !stop.load(Ordering::Relaxed) {
        match batch.receive(socket.as_fd()) {
            Ok(()) => {
                sink.take(batch.packets());
                if batch.len() < MANY && !pause.is_zero() {
                    std::thread::park_timeout(pause);
                }
            }
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

/// How long the socket's buffer holds what comes meanwhile, if that is a gigabyte a second: its bytes as nanoseconds. Of a
/// Unix socket none: its queue holds a few datagrams, and its senders would wait.
fn pause(socket: &impl AsFd) -> Duration {
    let socket = SockRef::from(socket);
    let is_unix = socket.local_addr().is_ok_and(|address| address.is_unix());
    match socket.recv_buffer_size() {
        Ok(bytes) if !is_unix => Duration::from_nanos(bytes as u64).min(LONGEST),
        _ => Duration::ZERO,
    }
}

/// Nothing came, or a signal did.
fn is_quiet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}
