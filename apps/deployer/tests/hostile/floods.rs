//! Neighbours that take room: silent connections, wrong tokens, and pods without end.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

use crate::support::Server;
use crate::watch::Watch;
use crate::world::{World, watch};
use nprt_testkit::reliability::{Row, times};

/// More than the server has room for.
const CONNECTIONS: usize = 4_300;
/// How long each flood goes on, and with `NPRT_LONG=1`.
const LASTS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(15)];

/// Opens connections, and sends this on each.
async fn connect(at: SocketAddr, count: usize, sent: &[u8]) -> Vec<TcpStream> {
    let mut open = Vec::with_capacity(count);
    for _ in 0..count {
        // The server closes the oldest ones meanwhile.
        let socket = TcpSocket::new_v4().unwrap();
        // Little fits in between: who reads nothing soon holds up the answer.
        socket.set_recv_buffer_size(4096).unwrap();
        let Ok(mut stream) = socket.connect(at).await else { continue };
        let _ = stream.write_all(sent).await;
        open.push(stream);
    }
    open
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_do_nothing_give_way() {
    let world = World::new().await;
    // All come from one address, as the probes do: these have a door of their own.
    let server = world.serve_with([], json!({"health_listen": "127.0.0.1:0"}), json!({})).await;
    let (at, door) = (server.address(), server.health());
    let unread = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(60);
    for (name, sent, before) in [
        ("4,300 connections that say nothing", "", "/healthz away for 87 s"),
        ("4,300 with half a head", "GET /web/status HTTP/1.1\r\nHost: x\r\nAccept:", Row::NOT_MEASURED),
        ("4,300 that asked once", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", Row::NOT_MEASURED),
        (
            "4,300 with half a body",
            "POST /web/deploy HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\nx",
            Row::NOT_MEASURED,
        ),
        ("500 that read no answer", &unread, Row::NOT_MEASURED),
    ] {
        let watch = Watch::start(door, server.pid());
        let count = if sent == unread { 500 } else { CONNECTIONS };
        let open = connect(at, count, sent.as_bytes()).await;
        tokio::time::sleep(times(LASTS[0], LASTS[1])).await;
        world.still_serves(&server).await;
        let noticed = watch.stop();
        drop(open);
        noticed.is_harmless(name);
        Row { section: "Neighbours", name, before, now: noticed.to_string() }.keep().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_tokens_are_few_lines_and_keep_nobody_out() {
    let world = World::new().await;
    let server = world.serve([]).await;
    let (name, before) = ("5,000 wrong tokens", Row::NOT_MEASURED);
    let lines = told(&server);
    let watch = watch(&server);
    let client = server.http();
    for n in 0..5_000 {
        let request =
            client.put(format!("{}/evil/deploy?tag=x", server.url)).bearer_auth(format!("wrong-{n}"));
        let status = request.send().await.unwrap().status();
        assert!(status == 401 || status == 429, "{status}");
    }
    let noticed = watch.stop();
    world.still_serves(&server).await;
    let lines = told(&server) - lines;
    noticed.is_harmless(name);
    assert!(lines < 200, "{lines} lines: {}", server.log());
    Row { section: "Neighbours", name, before, now: format!("{lines} lines of log; {noticed}") }
        .keep()
        .unwrap();
}

/// Lines of the log, those of the probes left out.
fn told(server: &Server) -> usize {
    server.log().lines().filter(|line| !line.contains("path=/healthz")).count()
}

fn packets(server: &UdpSocket, to: SocketAddr, count: usize, line: impl Fn(usize) -> String) {
    for n in 0..count {
        // A full buffer drops it, as it would any.
        let _ = server.send_to(line(n).as_bytes(), to);
        if n % 500 == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Where the server listens for statsd, by its log.
fn statsd(server: &Server) -> SocketAddr {
    let log = server.log();
    let line = log.lines().find(|line| line.contains("statsd") && line.contains("127.0.0.1:"));
    let text = line.unwrap_or_else(|| panic!("{log}")).split("127.0.0.1:").nth(1).unwrap();
    let port: String = text.chars().take_while(char::is_ascii_digit).collect();
    format!("127.0.0.1:{port}").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_without_end_take_the_room_of_their_own_service_alone() {
    let world = World::new().await;
    let server = world.serve_with([], json!({}), json!({})).await;
    let to = statsd(&server);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (name, before) = ("400,000 pod names by one sender", "every service was refused for the retention");
    let watch = watch(&server);
    packets(&socket, to, 400_000, |n| format!("request.latency:1|ms|#service:evil,track:canary,pod:p-{n}"));
    packets(&socket, to, 100_000, |n| format!("request.latency:1|ms|#service:s{n},track:canary,pod:p-{n}"));
    let noticed = watch.stop();
    noticed.is_harmless(name);
    Row { section: "Neighbours", name, before, now: noticed.to_string() }.keep().unwrap();
}
