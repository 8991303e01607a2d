//! Many datagrams with one call of the system.

use std::io;
use std::io::IoSliceMut;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::sys::socket::{MsgFlags, MultiHeaders, recvmmsg};

/// So many datagrams are received at once.
const MOST: usize = 64;
/// The largest UDP datagram. Memory that no datagram reaches is never touched, and so takes none.
const LARGEST: usize = 65_536;

/// Room for datagrams.
pub(super) struct Batch {
    headers: MultiHeaders<()>,
    buffers: Vec<Vec<u8>>,
    lengths: Vec<usize>,
}

impl Batch {
    pub(super) fn new() -> Self {
        let buffers = (0..MOST).map(|_| vec![0; LARGEST]).collect();
        Self { headers: MultiHeaders::preallocate(MOST, None), buffers, lengths: Vec::with_capacity(MOST) }
    }

    /// Waits for one datagram, as long as the socket waits, and takes all that are there.
    pub(super) fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<()> {
        let Self { headers, buffers, lengths } = self;
        lengths.clear();
        let mut slices: Vec<[IoSliceMut<'_>; 1]> =
            buffers.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
        let flags = MsgFlags::MSG_WAITFORONE;
        let received = recvmmsg(socket.as_raw_fd(), headers, slices.iter_mut(), flags, None)?;
        lengths.extend(received.map(|message| message.bytes));
        Ok(())
    }

    /// How many were received last.
    pub(super) fn len(&self) -> usize {
        self.lengths.len()
    }

    /// What was received last.
    pub(super) fn packets(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let both = self.buffers.iter().zip(&self.lengths);
        both.map(|(buffer, length)| buffer.get(..*length).unwrap_or_default())
    }
}
