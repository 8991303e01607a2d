use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::sink::Sink;

/// A line, or a datagram in a stream, is no longer than the largest UDP datagram.
const LONGEST: usize = 65_536;
/// A connection that says nothing for so long is over.
const PATIENCE: Duration = Duration::from_secs(600);
/// What is sent on in one datagram, as far as lines allow: what fits in a packet of Ethernet.
const DATAGRAM: usize = 1_432;

/// Takes in a connection until it ends: lines, or datagrams each with its length in front in four bytes, the lowest first.
pub(super) async fn read(mut stream: impl AsyncRead + Unpin, sink: Sink) {
    let mut buffer = Vec::with_capacity(8 << 10);
    let (mut skips, mut framed) = (false, None);
    loop {
        match tokio::time::timeout(PATIENCE, stream.read_buf(&mut buffer)).await {
            Ok(Ok(read)) if read > 0 => {}
            _ => break,
        }
        // The first four bytes tell: no text has a NUL, and no length is without.
        framed = framed.or_else(|| buffer.get(3).map(|fourth| *fourth == 0));
        let Some(is_framed) = framed else { continue };
        let taken = if is_framed {
            match take_framed(&buffer, &sink) {
                Some(taken) => taken,
                None => break,
            }
        } else {
            take_lines(&buffer, &sink, &mut skips)
        };
        buffer.drain(..taken);
        if !is_framed && buffer.len() >= LONGEST {
            // One line is counted, what follows of it is not another one.
            if !skips {
                sink.take([&b"\0"[..]].into_iter());
            }
            skips = true;
            buffer.clear();
        }
    }
    if !skips && !buffer.is_empty() && framed != Some(true) {
        sink.take([&buffer[..]].into_iter());
    }
}

/// Takes in the datagrams that are there as a whole, and says how many bytes they were; `None` of one that is too long.
fn take_framed(buffer: &[u8], sink: &Sink) -> Option<usize> {
    let (mut rest, mut taken) = (buffer, 0);
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|length| *length <= LONGEST)?;
        let Some((packet, after)) = after.split_at_checked(length) else { break };
        sink.take([packet].into_iter());
        rest = after;
        taken += 4 + length;
    }
    Some(taken)
}

/// Takes in the lines that are there as a whole, and says how many bytes they were.
fn take_lines(buffer: &[u8], sink: &Sink, skips: &mut bool) -> usize {
    let Some(end) = memchr::memrchr(b'\n', buffer) else { return 0 };
    let mut lines = buffer.get(..=end).unwrap_or_default();
    if std::mem::take(skips) {
        let first = memchr::memchr(b'\n', lines).unwrap_or(end);
        lines = lines.get(first + 1..).unwrap_or_default();
    }
    let mut rest = lines;
    let parts = std::iter::from_fn(move || {
        let within = rest.get(..rest.len().min(DATAGRAM))?;
        if within.is_empty() {
            return None;
        }
        let end =
            memchr::memrchr(b'\n', within).or_else(|| memchr::memchr(b'\n', rest)).unwrap_or(rest.len() - 1);
        let (part, after) = rest.split_at(end + 1);
        rest = after;
        Some(part)
    });
    sink.take(parts);
    end + 1
}
