//! Clients that do not read their answers: each is let go, and the next one gets its connection.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Server, World, server_with};

/// One connection at a time, so that whoever has it keeps everybody else out.
async fn server(world: &World) -> Server {
    let limits = json!({"connections": 1, "send_seconds": 2, "idle_seconds": 600, "shutdown_seconds": 1});
    server_with(world, json!({"limits": limits}), json!({})).await
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// Somebody else is answered, but only after the patience with the one before.
async fn is_let_go(server: &Server) {
    let began = Instant::now();
    let answered = tokio::time::timeout(Duration::from_secs(30), server.get("/healthz"));
    assert_eq!(answered.await.expect("the connection is free again").0, 200);
    assert!(began.elapsed() > Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn one_that_reads_nothing() {
    let world = World::new();
    let server = server(&world).await;
    let mut stalled = connect(&server).await;
    // More than the system keeps for it.
    let ask = "GET /openapi.json HTTP/1.1\r\nhost: deployer\r\n\r\n".repeat(1000);
    stalled.write_all(ask.as_bytes()).await.unwrap();
    is_let_go(&server).await;
    drop(stalled);
}

#[tokio::test]
async fn one_that_reads_slowly_is_waited_for() {
    let world = World::new();
    let server = server(&world).await;
    let mut slow = connect(&server).await;
    const TIMES: usize = 300;
    let ask = "GET /openapi.json HTTP/1.1\r\nhost: deployer\r\n\r\n".repeat(TIMES);
    slow.write_all(ask.as_bytes()).await.unwrap();
    // It takes longer than the patience, and stops in between for less.
    let (began, mut came) = (Instant::now(), 0);
    let mut buffer = vec![0; 1 << 20];
    let whole = include_str!("../../../src/http/openapi.json").len() * TIMES;
    while came < whole {
        if began.elapsed() < Duration::from_secs(5) {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let count = slow.read(&mut buffer).await.unwrap();
        assert!(count > 0, "it was let go after {came} bytes, {:?}", began.elapsed());
        came += count;
    }
    assert!(began.elapsed() > Duration::from_secs(4));
}

#[tokio::test]
async fn one_that_allows_nothing_to_be_sent_by_http2() {
    let world = World::new();
    let server = server(&world).await;
    let mut stalled = connect(&server).await;
    // The preface, settings with a window of 0 bytes, and the headers of GET /openapi.json, whole.
    let mut ask = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    ask.extend([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
    let mut headers = vec![0x82, 0x86, 0x04, 13];
    headers.extend(b"/openapi.json");
    headers.extend([0x01, 8]);
    headers.extend(b"deployer");
    ask.extend([0, 0, u8::try_from(headers.len()).unwrap(), 1, 5, 0, 0, 0, 1]);
    ask.extend(headers);
    stalled.write_all(&ask).await.unwrap();
    is_let_go(&server).await;
    // It had the headers of its answer, and nothing of the rest.
    let mut came = Vec::new();
    drop(stalled.read_to_end(&mut came).await);
    let frames = frames(&came);
    assert!(frames.contains(&(1, 1)) && !frames.contains(&(0, 1)), "{frames:?}");
}

/// The kind and the stream of each frame of HTTP/2: 0 is data, 1 headers.
fn frames(mut bytes: &[u8]) -> Vec<(u8, u8)> {
    let mut frames = Vec::new();
    while let [high, middle, low, kind, _, _, _, _, stream, rest @ ..] = bytes {
        let length = u32::from_be_bytes([0, *high, *middle, *low]) as usize;
        frames.push((*kind, *stream));
        bytes = rest.get(length..).unwrap_or_default();
    }
    frames
}
