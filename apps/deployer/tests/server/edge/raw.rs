//! Requests as bytes, which no client would send.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::Server;

/// This machine, by which all tests ask, and by another of its addresses.
pub(super) const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;
pub(super) const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A connection that comes from that address.
pub(super) async fn connect(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((IpAddr::V4(from), 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

/// How long an answer may take on a busy machine.
const FIRST: Duration = Duration::from_secs(10);

/// What comes until the connection ends, or nothing has come for a while; and whether it has ended.
pub(super) async fn rest(stream: &mut TcpStream, patience: Duration) -> (String, bool) {
    let mut came = Vec::new();
    read(stream, &mut came, patience).await
}

/// The same of a connection on which something comes.
pub(super) async fn answered(stream: &mut TcpStream, patience: Duration) -> (String, bool) {
    let mut came = Vec::new();
    match tokio::time::timeout(FIRST, stream.read_buf(&mut came)).await {
        Ok(Ok(1..)) => read(stream, &mut came, patience).await,
        other => (String::new(), other.is_ok()),
    }
}

async fn read(stream: &mut TcpStream, came: &mut Vec<u8>, patience: Duration) -> (String, bool) {
    loop {
        match tokio::time::timeout(patience, stream.read_buf(came)).await {
            Ok(Ok(1..)) => {}
            other => return (String::from_utf8_lossy(came).into_owned(), other.is_ok()),
        }
    }
}

/// The statuses of all answers to those bytes, and whether the connection has ended after them.
pub(super) async fn ask(server: &Server, bytes: &[u8]) -> (Vec<u16>, bool) {
    let mut stream = connect(HERE, server.address()).await;
    stream.write_all(bytes).await.unwrap();
    let (came, has_ended) = answered(&mut stream, Duration::from_millis(300)).await;
    let answers = came.split("HTTP/1.").skip(1);
    (answers.map(|answer| answer.get(2..5).unwrap().parse().unwrap()).collect(), has_ended)
}
