//! Sockets, bound.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;

use nprt_core::{Error, ErrorKind, Result};

use super::Listen;
use super::receive::WAIT;

/// A socket that listens.
#[derive(Debug)]
pub(super) enum Socket {
    Datagrams(OwnedFd),
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Clients of other users may write, and not read: as the Datadog agent has it.
const MODE: u32 = 0o722;

/// Binds `listen`; a port of 0 becomes a free one, which `address` says then.
///
/// # Errors
/// `Unavailable`, naming the place.
pub(super) fn bind(listen: &Listen, buffer: usize) -> Result<(Socket, Option<SocketAddr>)> {
    let cannot = |error: io::Error| {
        let place = match listen {
            Listen::Udp(address) | Listen::Tcp(address) => address.to_string(),
            Listen::Unix(path) | Listen::UnixStream(path) => path.display().to_string(),
        };
        Error::new(ErrorKind::Unavailable, "statsd.start", "the address cannot be bound")
            .with("listen", place)
            .with_source(error)
    };
    match listen {
        Listen::Udp(address) => udp(*address, buffer),
        Listen::Tcp(address) => TcpListener::bind(address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok((Socket::Tcp(listener), Some(address)))
        }),
        Listen::Unix(path) => unix(path, buffer).map(|socket| (socket, None)),
        Listen::UnixStream(path) => unix_stream(path).map(|socket| (socket, None)),
    }
    .map_err(cannot)
}

fn udp(address: SocketAddr, buffer: usize) -> io::Result<(Socket, Option<SocketAddr>)> {
    let socket = UdpSocket::bind(address)?;
    socket.set_read_timeout(Some(WAIT))?;
    let address = socket.local_addr()?;
    let asked = socket2::SockRef::from(&socket).set_recv_buffer_size(buffer);
    if let Err(error) = asked {
        tracing::warn!(%error, "the receive buffer keeps the system's size");
    }
    Ok((Socket::Datagrams(socket.into()), Some(address)))
}

fn unix(path: &Path, buffer: usize) -> io::Result<Socket> {
    remove_stale(path, |path| UnixDatagram::unbound()?.connect(path))?;
    let socket = UnixDatagram::bind(path)?;
    allow(path)?;
    socket.set_read_timeout(Some(WAIT))?;
    // A sender waits while this one is full: nothing is dropped.
    let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(buffer);
    Ok(Socket::Datagrams(socket.into()))
}

fn unix_stream(path: &Path) -> io::Result<Socket> {
    remove_stale(path, |path| UnixStream::connect(path).map(|_| ()))?;
    let listener = UnixListener::bind(path)?;
    allow(path)?;
    listener.set_nonblocking(true)?;
    Ok(Socket::Unix(listener))
}

fn allow(path: &Path) -> io::Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE))
}

/// Removes what a process that was killed left behind: a socket on which nobody listens.
fn remove_stale(path: &Path, connect: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let is_stale =
        is_socket && connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    if is_stale { std::fs::remove_file(path) } else { Ok(()) }
}
