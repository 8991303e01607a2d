//! What the OpenAPI document says of each route that only reads, by what the server does.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{ADMIN, Server, World, server, server_with, signal};

/// The routes that a token is needed for, as the document writes them, and as the test asks for them.
const READS: [(&str, &str); 6] = [
    ("/", "/"),
    ("/metrics", "/metrics"),
    ("/{service}", "/web"),
    ("/{service}/tags", "/web/tags"),
    ("/{service}/status", "/web/status"),
    ("/{service}/canary", "/web/canary"),
];

fn is_documented(path: &str, status: u16) {
    let document: Value = serde_json::from_str(include_str!("../../../src/http/openapi.json")).unwrap();
    let responses = document["paths"][path]["get"]["responses"].as_object().unwrap();
    assert!(responses.contains_key(&status.to_string()), "{status} of GET {path}");
}

/// The status of an answer to a request with such a body.
async fn ask(server: &Server, path: &str, headers: &str, body: &str) -> u16 {
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: deployer\r\nauthorization: Bearer {ADMIN}\r\n{headers}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap().split_once(' ').unwrap().1.parse().unwrap()
}

#[tokio::test]
async fn what_is_wrong_with_the_body_of_a_request_that_reads() {
    let world = World::new();
    let limits = json!({"limits": {"receive_seconds": 1, "body_bytes": 1024, "shutdown_seconds": 1}});
    let server = server_with(&world, limits, json!({})).await;
    for (written, path) in READS {
        for (headers, body, expected) in [
            ("content-length: 5000", "x".repeat(5000), 413),
            ("content-length: 10", String::new(), 408),
            ("transfer-encoding: chunked", "no length\r\n".to_owned(), 400),
            (&format!("x: {}", "x".repeat(20_000)), String::new(), 431),
        ] {
            assert_eq!(ask(&server, path, headers, &body).await, expected, "{path}: {expected}");
            is_documented(written, expected);
        }
    }
    for path in ["/version", "/healthz", "/readyz", "/openapi.json"] {
        assert_eq!(ask(&server, path, &format!("x: {}", "x".repeat(20_000)), "").await, 431, "{path}");
        is_documented(path, 431);
    }
    // A query is nothing that it looks at.
    assert_eq!(server.get("/web/status?tag=&x=%ff").await.0, 200);
}

#[tokio::test]
async fn a_server_that_ends_says_so() {
    let world = World::new();
    let server = server(&world, json!({})).await;
    let deploy = format!("/web/deploy?tag={}", world.tag(0));
    // Its rollout takes two seconds, in which it is asked to end.
    let (done, ()) = tokio::join!(server.put(&deploy), async {
        server.until_on("web", "an operation", |status| !status["operation"].is_null()).await;
        signal(server.pid(), "TERM");
        while server.get("/readyz").await.0 != 503 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        for (written, path) in READS.into_iter().filter(|(written, _)| *written != "/metrics") {
            assert_eq!(server.get(path).await.0, 503, "{path}");
            is_documented(written, 503);
        }
    });
    assert_eq!(done.0, 200, "{}", done.1);
}
