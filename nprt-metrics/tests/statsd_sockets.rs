//! Every way into the statsd server, with real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(feature = "statsd")]

mod support;

use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::{Duration, Instant};

use nprt_core::model::BlockData;
use nprt_core::ports::{LeftOutReason, MetricsBackend};
use nprt_metrics::statsd::{Listen, Malformed, StatsdConfig, StatsdServer, StatsdStats};
use support::{MINUTE, clock_at, go_to, query};

const LINE: &[u8] = b"request.count:1|c|#service:shop,track:canary\n";

fn config(also_listen: Vec<Listen>) -> StatsdConfig {
    StatsdConfig { listen: "127.0.0.1:0".parse().unwrap(), also_listen, ..StatsdConfig::default() }
}

async fn until(server: &StatsdServer, is_so: impl Fn(&StatsdStats) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so(&server.stats()) {
        assert!(Instant::now() < deadline, "{:?}", server.stats());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn all_ways_lead_to_the_same_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let (datagrams, stream) = (folder.path().join("datagrams"), folder.path().join("stream"));
    let also = vec![
        Listen::Udp("[::1]:0".parse().unwrap()),
        Listen::Tcp("127.0.0.1:0".parse().unwrap()),
        Listen::Unix(datagrams.clone()),
        Listen::UnixStream(stream.clone()),
    ];
    // What a process that was killed left behind is no hindrance.
    drop(UnixDatagram::bind(&datagrams).unwrap());
    let clock = clock_at(0);
    let server = StatsdServer::start(&config(also.clone()), clock.clone()).unwrap();
    go_to(&clock, 1);
    let [v4, v6, tcp] = server.addresses() else { panic!("{:?}", server.addresses()) };
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(LINE, v4).unwrap();
    UdpSocket::bind("[::1]:0").unwrap().send_to(LINE, v6).unwrap();
    UnixDatagram::unbound().unwrap().send_to(LINE, &datagrams).unwrap();
    assert_eq!(std::fs::metadata(&datagrams).unwrap().permissions().mode() & 0o777, 0o722);
    let mut tcp = TcpStream::connect(tcp).unwrap();
    // In pieces, and the last line without an end.
    for piece in [&LINE.repeat(100)[..], &LINE[..7], &LINE[7..], &LINE[..LINE.len() - 1]] {
        tcp.write_all(piece).unwrap();
        tcp.flush().unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(tcp);
    UnixStream::connect(&stream).unwrap().write_all(&LINE.repeat(3)).unwrap();
    let mut framed = UnixStream::connect(&stream).unwrap();
    for part in [LINE, &LINE.repeat(4)] {
        framed.write_all(&u32::try_from(part.len()).unwrap().to_le_bytes()).unwrap();
        framed.write_all(part).unwrap();
    }
    until(&server, |stats| stats.used == 3 + 102 + 3 + 5).await;
    go_to(&clock, 2);
    let measured = server.backend().blocks(&query("requests", 0, 9)).await.unwrap();
    assert_eq!(measured.blocks[0].data, BlockData::Requests { requests: 113, errors: 0 });
    assert_eq!((measured.left_out, measured.notes), (vec![], vec![]));

    // An address that is taken is an error that names it, and a socket in use is not removed.
    let taken = StatsdServer::start(&config(also), clock).unwrap_err();
    assert!(taken.to_string().contains("datagrams"), "{taken}");
    UnixDatagram::unbound().unwrap().send_to(LINE, &datagrams).unwrap();
    until(&server, |stats| stats.used == 114).await;
    drop(server);
    assert!(!datagrams.exists() && !stream.exists());
}

#[tokio::test]
async fn a_stream_is_bounded() {
    let clock = clock_at(0);
    let also = vec![Listen::Tcp("127.0.0.1:0".parse().unwrap())];
    let server = StatsdServer::start(&config(also), clock.clone()).unwrap();
    go_to(&clock, 1);
    let tcp = server.addresses()[1];
    // One line of a megabyte is one malformed line; what comes after its end counts.
    let mut stream = TcpStream::connect(tcp).unwrap();
    stream.write_all(&b"x".repeat(1 << 20)).unwrap();
    stream.write_all(b"request.count:1|c|#service:shop,track:canary\n").unwrap();
    stream.write_all(LINE).unwrap();
    drop(stream);
    until(&server, |stats| stats.used == 1).await;
    let stats = server.stats();
    assert_eq!((stats.lines, stats.malformed[&Malformed::Text]), (2, 1));
    // A frame of four gigabytes ends the connection.
    let mut stream = TcpStream::connect(tcp).unwrap();
    stream.write_all(&[0, 0, 2, 0]).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while stream.write_all(LINE).is_ok() {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(server.stats().lines, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn datagrams_are_forwarded_as_they_came() {
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    other.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let forward = Some(other.local_addr().unwrap().to_string());
    let also_listen = vec![Listen::Tcp("127.0.0.1:0".parse().unwrap())];
    let config = StatsdConfig { forward, ..config(also_listen) };
    let server = StatsdServer::start(&config, clock_at(0)).unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut got = vec![0; 70_000];
    for packet in [LINE, b"\xff garbage", b"_e{5,4}:title|text", &LINE.repeat(1_000)] {
        client.send_to(packet, server.local_addr()).unwrap();
        let length = other.recv(&mut got).unwrap();
        assert_eq!(&got[..length], packet);
    }
    // A stream becomes datagrams of whole lines.
    TcpStream::connect(server.addresses()[1]).unwrap().write_all(&LINE.repeat(100)).unwrap();
    let mut bytes = 0;
    while bytes < 100 * LINE.len() {
        let length = other.recv(&mut got).unwrap();
        assert!(length <= 1_432 && got[..length].ends_with(b"\n"));
        bytes += length;
    }
    until(&server, |stats| stats.forwarded == stats.packets && stats.packets > 4).await;
    assert_eq!(server.stats().not_forwarded, 0);
    for wrong in ["statsd", "statsd:x", ""] {
        let config = StatsdConfig { forward: Some(wrong.to_owned()), ..config.clone() };
        let error = StatsdServer::start(&config, clock_at(0)).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains("forward"), "{error}");
    }
}

/// The kernel's own count of what it dropped, and what the answer says of it.
#[tokio::test]
async fn what_the_kernel_drops_is_said() {
    let clock = clock_at(0);
    let config = StatsdConfig { receive_buffer_bytes: 1, ..config(Vec::new()) };
    let server = StatsdServer::start(&config, clock.clone()).unwrap();
    go_to(&clock, 1);
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    let packet = LINE.repeat(1_000);
    let deadline = Instant::now() + Duration::from_secs(30);
    while server.stats().dropped == 0 {
        assert!(Instant::now() < deadline, "{:?}", server.stats());
        for _ in 0..200 {
            let _ = client.send_to(&packet, server.local_addr());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    go_to(&clock, 2);
    let measured = server.backend().blocks(&query("requests", 0, 9)).await.unwrap();
    assert!(measured.notes[0].contains("the kernel dropped"), "{measured:?}");
    let left_out = measured.left_out[0];
    assert_eq!((left_out.reason, left_out.minute), (LeftOutReason::NoRoom, Some(MINUTE + 1)));
    // Of the minute after it, nothing is missing.
    client.send_to(LINE, server.local_addr()).unwrap();
    until(&server, |stats| stats.used > 0).await;
    go_to(&clock, 3);
    let measured = server.backend().blocks(&query("requests", 3, 9)).await.unwrap();
    assert_eq!((measured.left_out, measured.notes), (vec![], vec![]));
}
