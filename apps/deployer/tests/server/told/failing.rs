//! Notifiers that fail: nothing waits for them longer than a bound.

use std::time::{Duration, Instant};

use nprt_testkit::{FakeBugsnag, FakeSlack, WebhookReceiver};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::ResponseTemplate;

use crate::support::{ADMIN, Server, World};

/// A server that answers with this and then a byte a second, for ever; its address.
async fn slow(begins: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 65_536]).await;
                let _ = stream.write_all(begins.as_bytes()).await;
                while stream.write_all(if begins.is_empty() { b"" } else { b"x" }).await.is_ok() {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            });
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn notifiers_that_fail_neither_fail_a_deploy_nor_hold_it_up_for_long() {
    let world = World::new();
    let (broken, limited) = (FakeSlack::start().await, FakeSlack::start().await);
    let receiver = WebhookReceiver::start().await;
    let slow_body =
        slow("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 100000\r\n\r\n").await;
    let silent = slow("").await;
    let secret = WebhookReceiver::SECRET;
    // Longer than the test: what ends the wait is deployer's own bound.
    let patient = json!({"timeout_seconds": 600});
    let notifiers = json!([
        {"slack": {"webhook_url": broken.webhook_url()}},
        {"slack": {"webhook_url": format!("{slow_body}/services/T0/B0/hunter2hunter2"), "http": patient}},
        {"slack": {"token": FakeSlack::TOKEN, "channel": FakeSlack::CHANNEL, "api_url": limited.api_url()}},
        {"bugsnag": {"api_key": FakeBugsnag::KEY, "endpoint": silent, "http": patient}},
        // Nobody listens there.
        {"webhook": {"url": "http://127.0.0.1:1/nprt", "secret": secret}},
        {"webhook": {"url": receiver.url(), "secret": secret}},
    ]);
    let config = world.config(
        json!({"tokens": [{"name": "ci", "secret": ADMIN}], "autopilot": {"enabled": false}}),
        json!({"notifiers": notifiers}),
    );
    let server = Server::serve(&config, ADMIN).await;
    broken.answer_next(FakeSlack::WEBHOOK, ResponseTemplate::new(500));
    let wait = ResponseTemplate::new(429).insert_header("retry-after", "1");
    limited.answer_next("chat.postMessage", wait);

    let began = Instant::now();
    let stream = |request: crate::support::Request| request.header("accept", "text/event-stream");
    let path = format!("/web/deploy?tag={}&notify=true", world.tag(0));
    let text = server.send(Method::PUT, &path, stream).await.text().await.unwrap();
    assert!(text.contains("event: done"), "{text}");
    // The rollout takes two seconds, and those who are silent have ten; a loaded machine adds to it.
    assert!(began.elapsed() < Duration::from_secs(50), "{:?}", began.elapsed());

    // Who could be told was told, and once.
    assert_eq!(receiver.received()[0]["type"], "nprt.deployed");
    assert_eq!((limited.messages().len(), limited.calls("chat.postMessage").await), (1, 2));
    assert_eq!((broken.messages().len(), receiver.received().len()), (0, 1));
    // The others are named, to who asked and in the log, without what is secret.
    // The server's log is read from a pipe, and may be a moment late.
    let names_all = |said: &str| [0, 1, 3, 4].iter().all(|n| said.contains(&format!("notifiers[{n}]: ")));
    while !names_all(&server.log()) && began.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for said in [&text, &server.log()] {
        for number in [0, 1, 3, 4] {
            assert!(said.contains(&format!("notifiers[{number}]: ")), "{number} in {said}");
        }
        for number in [2, 5] {
            assert!(!said.contains(&format!("notifiers[{number}]: ")), "{number} in {said}");
        }
        for secret in [FakeSlack::WEBHOOK, "hunter2", FakeSlack::TOKEN, FakeBugsnag::KEY, "MfKQ"] {
            assert!(!said.contains(secret), "{secret} in {said}");
        }
    }
    // None of it is shown with the configuration.
    let shown = server.get("/web").await.1["config"]["notifiers"].to_string();
    let origin: Vec<String> = receiver.url().split('/').take(3).map(str::to_owned).collect();
    assert!(shown.contains(FakeSlack::CHANNEL) && shown.contains(&origin.join("/")), "{shown}");
    for secret in [FakeSlack::WEBHOOK, "hunter2", FakeSlack::TOKEN, FakeBugsnag::KEY, "MfKQ"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
