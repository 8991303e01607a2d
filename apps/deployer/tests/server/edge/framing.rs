//! Requests that two servers could understand differently.

use serde_json::json;

use super::raw::ask;
use crate::support::{ADMIN, World, server, server_with};

#[tokio::test]
async fn what_has_two_meanings_is_refused() {
    let world = World::new();
    let server = server(&world, json!({})).await;
    let get = |lines: &str| format!("GET /healthz HTTP/1.1\r\n{lines}\r\n");
    let put = |lines: &str| {
        format!("PUT /web/rollback HTTP/1.1\r\nHost: d\r\nAuthorization: Bearer {ADMIN}\r\n{lines}")
    };
    // What another server would take for a second request.
    let second = "GET /version HTTP/1.1\r\nHost: d\r\n\r\n";
    for (refused, ends) in [
        (get(""), false),
        (get("Host:\r\n"), false),
        (get("Host: d\r\nHost: d\r\n"), false),
        (get("Host: d\r\nHost: e\r\n"), false),
        (get("Host: a b\r\n"), false),
        (get("Host: d/x\r\n"), false),
        (get("Host: me@d\r\n"), false),
        (get("Host: d:port\r\n"), false),
        (get("Host: d\nX: y\r\n"), true),
        (get("Host: d\r\nX: y\n"), true),
        (get("Host: d\r\nX: y\r z\r\n"), true),
        (get("Host: d\r\nX: y\r\n z\r\n"), true),
        (get("Host: d\r\nX : y\r\n"), true),
        (get("Host: d\r\n Host: e\r\n"), true),
        ("GET /healthz HTTP/1.1\nHost: d\n\n".to_owned(), true),
        ("\nGET /healthz HTTP/1.1\r\nHost: d\r\n\r\n".to_owned(), true),
        ("GET /healthz HTTP/1.1\r\nHost: d\r\n\n".to_owned(), true),
        ("GET http://e/healthz HTTP/1.1\r\nHost: d\r\n\r\n".to_owned(), false),
        ("CONNECT d:80 HTTP/1.1\r\nHost: d\r\n\r\n".to_owned(), true),
        (put("Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"), true),
        (put("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"), true),
        (put("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), true),
        (put("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), true),
        (put("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), true),
        (put("Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"), true),
        (put("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), true),
        (put("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"), true),
        (put("Content-Length: 0\r\nContent-Length: 5\r\n\r\nabcde"), true),
        (put("Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde"), true),
        (put("Content-Length: 5, 5\r\n\r\nabcde"), true),
        (put("Content-Length: +5\r\n\r\nabcde"), true),
        (put("Content-Length: -1\r\n\r\n"), true),
        (put("Content-Length: 0x5\r\n\r\nabcde"), true),
        (put("Content-Length:\r\n\r\n"), true),
    ] {
        let (statuses, has_ended) = ask(&server, format!("{refused}{second}").as_bytes()).await;
        if ends {
            assert_eq!((statuses, has_ended), (vec![400], true), "{refused:?}");
        } else {
            assert_eq!((statuses, has_ended), (vec![400, 200], false), "{refused:?}");
        }
    }
}

/// Whatever its size, a head that ends in two ways is refused, and nothing after it is taken for a request.
#[tokio::test]
async fn a_head_of_any_size_has_one_meaning() {
    let world = World::new();
    let server = server_with(&world, json!({"limits": {"header_bytes": 8192}}), json!({})).await;
    let get =
        |size: usize, end: &str| format!("GET /healthz HTTP/1.1\r\nHost: d\r\nX: {}{end}", "x".repeat(size));
    let second = "GET /version HTTP/1.1\r\nHost: d\r\n\r\n";
    // As the limit, what hyper's buffer may take, what is looked at, and more.
    for size in [7_000, 8_192, 10_000, 16_000, 16_384, 20_000, 32_768, 33_000, 40_000, 100_000] {
        for end in ["\r\n\n", "\n\n", "\nY: y\r\n\r\n"] {
            let (statuses, has_ended) = ask(&server, format!("{}{second}", get(size, end)).as_bytes()).await;
            assert!(has_ended, "{size} {end:?}: {statuses:?}");
            assert!(matches!(statuses[..], [400 | 431]), "{size} {end:?}: {statuses:?}");
        }
        let (statuses, has_ended) =
            ask(&server, format!("{}{second}", get(size, "\r\n\r\n")).as_bytes()).await;
        match statuses[..] {
            [200, 200] => assert!(size < 8_192 && !has_ended, "{size}"),
            // It was read as a whole, and the next one is another request.
            [431, 200] => assert!((8_000..33_000).contains(&size) && !has_ended, "{size}"),
            [431] => assert!(size >= 8_192 && has_ended, "{size}"),
            _ => panic!("{size}: {statuses:?}"),
        }
    }
}

#[tokio::test]
async fn what_has_one_meaning_is_answered() {
    let world = World::new();
    let server = server(&world, json!({})).await;
    let get = "GET /healthz HTTP/1.1\r\nHost: d\r\n\r\n";
    let put = |more: &str| {
        let head = "PUT /web/rollback HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n";
        format!("{head}Authorization: Bearer {ADMIN}\r\n{more}")
    };
    // A body is not looked at, and where it ends the next request begins.
    let body = put("Content-Length: 16\r\n\r\n{\n\"reason\":\n\"x\"}");
    let chunked = put("Transfer-Encoding: chunked\r\n\r\n10\r\n{\n\"reason\":\n\"x\"}\r\n0\r\n\r\n");
    for (bytes, statuses, ends) in [
        (get.repeat(3), &[200, 200, 200][..], false),
        (format!("\r\n{get}\r\n{get}"), &[200, 200], false),
        (format!("{body}{get}{body}{get}"), &[200, 200, 200, 200], false),
        (format!("{body}GET /healthz HTTP/1.1\nHost: d\r\n\r\n"), &[200, 400], true),
        // After one of unknown length nothing is taken for a request.
        (format!("{chunked}{get}"), &[200], true),
        ("GET /healthz HTTP/1.0\r\n\r\n".to_owned(), &[200], true),
        ("GET http://d/healthz HTTP/1.1\r\nHost: d\r\n\r\n".to_owned(), &[200], false),
        (get.replace("Host: d", "host:[::1]:8080"), &[200], false),
    ] {
        assert_eq!(ask(&server, bytes.as_bytes()).await, (statuses.to_vec(), ends), "{bytes:?}");
    }
    // Two ways to say who asks, or what.
    let twice = put("Authorization: Bearer x\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(ask(&server, twice.as_bytes()).await.0, [400]);
    for query in ["reason=a&reason=a", "reason=a&reason=b", "reason=a&reas%6fn=a"] {
        assert_eq!(server.put(&format!("/web/rollback?{query}")).await.0, 400, "{query}");
    }
    for (query, body) in [
        ("", r#"{"reason":"a","reason":"a"}"#),
        ("", r#"{"reason":"a","reas\u006fn":"a"}"#),
        ("?reason=a", r#"{"reason":"a"}"#),
        ("", r#"{"reason":"a","notify":{"x":1,"x":2}}"#),
    ] {
        let json = |request: crate::support::Request| {
            request.header("content-type", "application/json").body(body.to_owned())
        };
        let sent = server.send(reqwest::Method::PUT, &format!("/web/rollback{query}"), json).await;
        assert_eq!(sent.status(), 400, "{query} {body}");
    }
}
