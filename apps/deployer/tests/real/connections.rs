//! Many connections that are open and idle, while the server works.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bound;
use crate::usage::Memory;
use crate::world::{World, deploy, plane};

const CONNECTIONS: usize = 1000;
/// What each may take, in KiB.
const EACH: u64 = 32;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_idle_connections_are_held_while_deploys_go_on() {
    let Some(plane) = plane().await else { return };
    let plane = plane.write().await;
    let Some(world) = World::new(&plane, "idle", 1).await else { return };
    // Slow ones would be let go soon: idle ones are not slow.
    let limits = json!({"limits": {"receive_seconds": 2, "idle_seconds": 600}});
    let server = world.server("idle", &limits).await;
    let first = world.commit().await;
    assert_eq!(server.put(&deploy(0, &first, 0)).await.0, 200);

    let before = Memory::of(server.pid());
    let address = server.url.strip_prefix("http://").unwrap();
    let mut idle = join_all((0..CONNECTIONS).map(async |_| TcpStream::connect(address).await.unwrap())).await;
    for stream in &mut idle {
        ask(stream).await;
    }
    let began = Instant::now();
    let open = Memory::of(server.pid());
    // Deploys and reads go on.
    while began.elapsed() < Duration::from_secs(4) {
        let commit = world.commit().await;
        let path = deploy(0, &commit, 0);
        let (done, read) = tokio::join!(server.put(&path), server.get("/shop-0/status"));
        assert_eq!((done.0.as_u16(), read.0.as_u16()), (200, 200), "{} {}", done.1, read.1);
    }
    for stream in &mut idle {
        ask(stream).await;
    }
    let each = (open.rss - before.rss) / CONNECTIONS as u64;
    eprintln!("{CONNECTIONS} idle connections: {each} KiB each; {before}, with them {open}");
    let most = bound(2 * EACH, EACH);
    assert!(each <= most, "{each} KiB each, at most {most}: {before}, with them {open}");
}

/// Asks and reads the answer; the connection stays open.
async fn ask(stream: &mut TcpStream) {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: deployer\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(br#"{"healthy":true}"#) {
        let count = stream.read_buf(&mut answer).await.unwrap();
        assert!(count > 0, "closed: {}", String::from_utf8_lossy(&answer));
    }
}
