use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where clients may send to, beside the UDP address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listen {
    /// Datagrams to this address. `[::]:8125` takes those by IPv4 as well, where the system does so by default.
    Udp(SocketAddr),
    /// Connections, each a stream of lines.
    Tcp(SocketAddr),
    /// Datagrams to a socket at this path, which anybody may write to who reaches it.
    Unix(PathBuf),
    /// Connections to a socket at this path: streams of lines, or DogStatsD's of datagrams with their length in front.
    UnixStream(PathBuf),
}
