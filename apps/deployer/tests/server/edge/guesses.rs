//! Tokens that are not known.

use std::net::Ipv4Addr;
use std::time::Instant;

use reqwest::{Client, Response};
use serde_json::json;

use super::raw::{HERE, OTHER};
use crate::aggregator::{self, TOKEN};
use crate::support::{ADMIN, Server, World, answer, server_with};

async fn ask(server: &Server, from: Ipv4Addr, token: &str) -> Response {
    let client = Client::builder().no_proxy().local_address(std::net::IpAddr::V4(from)).build().unwrap();
    client.get(format!("{}/web/status", server.url)).bearer_auth(token).send().await.unwrap()
}

#[tokio::test]
async fn who_guesses_has_to_wait_and_who_is_known_has_not() {
    let world = World::new();
    let limits = json!({"wrong_tokens_per_minute": 5, "shutdown_seconds": 1});
    let server = server_with(&world, json!({"limits": limits}), json!({})).await;
    let reader = "correct-horse-battery-reader";
    assert_eq!(ask(&server, HERE, ADMIN).await.status(), 200);
    for number in 0..5 {
        assert_eq!(ask(&server, HERE, &format!("correct-horse-battery-{number}")).await.status(), 401);
    }
    let refused = ask(&server, HERE, "correct-horse-battery-wrong").await;
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=13).contains(&wait), "{wait}");
    let (status, problem) = answer(refused).await;
    assert_eq!((status.as_u16(), &problem["kind"]), (429, &json!("rate limited")), "{problem}");
    assert_eq!(problem["context"]["option"], "limits.wrong_tokens_per_minute");
    // One that did not work from here before is as good as a wrong one; from elsewhere nothing has changed.
    assert_eq!(ask(&server, HERE, reader).await.status(), 429);
    assert_eq!(ask(&server, HERE, ADMIN).await.status(), 200);
    assert_eq!(ask(&server, OTHER, reader).await.status(), 200);
    assert_eq!(ask(&server, OTHER, "correct-horse-battery-wrong").await.status(), 401);

    let began = Instant::now();
    for _ in 0..200 {
        // A guess is there again every twelve seconds.
        let status = ask(&server, HERE, "correct-horse-battery-wrong").await.status();
        assert!(status == 429 || status == 401, "{status}");
    }
    let most = usize::try_from(began.elapsed().as_secs()).unwrap() + 3;
    let log = server.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("status=4")).collect();
    assert!(!lines.is_empty() && lines.len() <= most, "{lines:#?}");
    assert!(log.contains("peer=127.0.0.1 left_out="), "{log}");
    assert!(!log.contains("correct-horse"), "{log}");
}

#[tokio::test]
async fn who_guesses_the_token_of_the_aggregator_has_to_wait_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let file = aggregator::file(folder.path(), "127.0.0.1:0");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
    config["limits"] = json!({"wrong_tokens_per_minute": 2});
    std::fs::write(&file, config.to_string()).unwrap();
    let server = aggregator::serve(&file, "127.0.0.1:0").await;
    let ask = async |token| ask(&server, HERE, token).await;
    assert_eq!(ask(TOKEN).await.status(), 404, "it has no such path");
    for expected in [401, 401, 429] {
        assert_eq!(ask("correct-horse-battery-wrong").await.status(), expected);
    }
    let wait: u64 = ask("x").await.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=31).contains(&wait), "{wait}");
    assert_eq!(ask(TOKEN).await.status(), 404);
}
