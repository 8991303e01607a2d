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
    let (pause, mut were_few) = (pause(socket), true);
    while !stop.load(Ordering::Relaxed) {
        match batch.receive(socket.as_fd()) {
            Ok(()) => {
                sink.take(batch.packets());
                let are_few = batch.len() < MANY;
                // What follows a burst may be the rest of it.
                if are_few && were_few && !pause.is_zero() {
                    std::thread::park_timeout(pause);
                }
                were_few = are_few;
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

/// How long the socket's buffer holds what comes meanwhile, if that is a gigabyte a second: an eighth of its bytes as nanoseconds,
/// since the kernel counts what it keeps beside a small datagram too, which is several times as much. Of a Unix socket none: its
/// queue holds a few datagrams, and its senders would wait.
fn pause(socket: &impl AsFd) -> Duration {
    let socket = SockRef::from(socket);
    let is_unix = socket.local_addr().is_ok_and(|address| address.is_unix());
    match socket.recv_buffer_size() {
        Ok(bytes) if !is_unix => Duration::from_nanos(bytes as u64 / 8).min(LONGEST),
        _ => Duration::ZERO,
    }
}

/// Nothing came, or a signal did.
fn is_quiet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    /// The smallest datagrams take 768 bytes of the buffer each.
    #[test]
    fn a_pause_fills_no_buffer_at_a_million_datagrams_a_second() {
        for asked in [65_536, 1 << 20] {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            SockRef::from(&socket).set_recv_buffer_size(asked).unwrap();
            let holds = SockRef::from(&socket).recv_buffer_size().unwrap() as u64 / 768;
            let pause = pause(&socket);
            assert!(pause > Duration::ZERO && pause.as_micros() <= u128::from(holds), "{pause:?} {holds}");
        }
    }
}
