//! Many connections: those that are idle give way, and nobody has them all.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::raw::{HERE, OTHER, answered, connect, rest};
use crate::support::{ADMIN, Server, World, server_with};

const PROBE: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n";
const SHORT: Duration = Duration::from_millis(300);

async fn limited(world: &World, mut limits: Value) -> Server {
    for (name, value) in [("idle_seconds", 600), ("receive_seconds", 30), ("shutdown_seconds", 1)] {
        limits[name] = value.into();
    }
    let more = json!({"limits": limits, "health_listen": "127.0.0.1:0", "autopilot": {"enabled": false}});
    server_with(world, more, json!({})).await
}

/// How long an answer to a probe takes.
async fn probe(from: std::net::Ipv4Addr, to: SocketAddr) -> Duration {
    let began = Instant::now();
    let mut stream = connect(from, to).await;
    stream.write_all(PROBE).await.unwrap();
    let (came, _) = rest(&mut stream, Duration::from_secs(5)).await;
    assert!(came.starts_with("HTTP/1.1 200"), "{came:?} after {:?}", began.elapsed());
    began.elapsed()
}

/// A request under way: its body does not come.
async fn under_way(from: std::net::Ipv4Addr, to: SocketAddr) -> TcpStream {
    let mut stream = connect(from, to).await;
    let head = format!(
        "PUT /web/rollback HTTP/1.1\r\nHost: d\r\nAuthorization: Bearer {ADMIN}\r\nContent-Type: application/json\r\n\
         Content-Length: 2\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn idle_connections_give_way_and_requests_under_way_do_not() {
    let world = World::new();
    let server = limited(&world, json!({"connections": 40, "connections_per_peer": 40})).await;
    let to = server.address();
    let mut busy = under_way(HERE, to).await;
    let mut kept = Vec::new();
    let mut slowest = Duration::ZERO;
    // Silent ones, and ones in the middle of a head, many times over.
    for number in 0..400 {
        let mut stream = connect(HERE, to).await;
        match number % 3 {
            0 => {}
            1 => stream.write_all(b"GET /healthz HTTP/1.1\r\nHo").await.unwrap(),
            _ => stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap(),
        }
        kept.push(stream);
        if number % 10 == 0 {
            slowest = slowest.max(probe(HERE, to).await);
        }
    }
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    // The first ones had to go, the last ones are there.
    assert!(rest(&mut kept[0], SHORT).await.1);
    assert!(!rest(kept.last_mut().unwrap(), SHORT).await.1);
    busy.write_all(b"{}").await.unwrap();
    let (came, has_ended) = answered(&mut busy, SHORT).await;
    assert!(came.starts_with("HTTP/1.1 200") && !has_ended, "{came:?}");
}

#[tokio::test]
async fn one_address_has_a_share() {
    let world = World::new();
    // A quarter unless told.
    let server = limited(&world, json!({"connections": 16})).await;
    let to = server.address();
    let mut busy = Vec::new();
    for _ in 0..4 {
        busy.push(under_way(HERE, to).await);
    }
    tokio::time::sleep(SHORT).await;
    let mut refused = connect(HERE, to).await;
    let _ = refused.write_all(PROBE).await;
    assert_eq!(rest(&mut refused, Duration::from_secs(5)).await, (String::new(), true));
    probe(OTHER, to).await;
    let began = Instant::now();
    while !server.log().contains("limits.connections_per_peer") {
        assert!(began.elapsed() < Duration::from_secs(10), "{}", server.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // What it began is answered, and then there is room for more.
    for stream in &mut busy {
        stream.write_all(b"{}").await.unwrap();
    }
    for stream in &mut busy {
        assert!(rest(stream, Duration::from_secs(1)).await.0.starts_with("HTTP/1.1 "));
    }
    probe(HERE, to).await;
    // Idle ones of one address take nothing from another.
    let mut other = connect(OTHER, to).await;
    let mut many = Vec::new();
    for _ in 0..30 {
        many.push(connect(HERE, to).await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!rest(&mut other, SHORT).await.1);
    assert!(rest(&mut many[0], SHORT).await.1);
}

#[tokio::test]
async fn probes_of_health_have_a_door_of_their_own() {
    let world = World::new();
    let server = limited(&world, json!({"connections": 2, "connections_per_peer": 2})).await;
    let (to, health) = (server.address(), server.health());
    let _busy = (under_way(HERE, to).await, under_way(HERE, to).await);
    tokio::time::sleep(SHORT).await;
    // Nobody else gets in.
    let mut waits = connect(OTHER, to).await;
    waits.write_all(PROBE).await.unwrap();
    assert_eq!(rest(&mut waits, SHORT).await, (String::new(), false));
    let mut crowd = Vec::new();
    let mut took = Vec::new();
    for number in 0..200 {
        crowd.push(connect(HERE, health).await);
        if number % 4 == 0 {
            took.push(probe(HERE, health).await);
        }
    }
    assert!(took.iter().all(|took| *took < Duration::from_secs(2)), "{took:?}");
    for (path, expected) in [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/", 404),
        ("/web/status", 404),
        ("/metrics", 404),
        ("/version", 404),
        ("/web/deploy", 404),
    ] {
        let url = format!("http://{health}{path}");
        let response = crate::support::client().get(url).bearer_auth(ADMIN).send().await.unwrap();
        assert_eq!(response.status(), expected, "{path}");
        assert_eq!(response.headers()["referrer-policy"], "no-referrer");
    }
    let put = crate::support::client().put(format!("http://{health}/healthz")).send().await.unwrap();
    assert_eq!(put.status(), 405);
}
