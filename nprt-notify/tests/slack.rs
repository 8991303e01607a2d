//! Slack's incoming webhook, against a fake made from its public documentation.
#![cfg(feature = "slack")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects")]

use std::sync::Arc;
use std::time::Duration;

use nprt_core::ErrorKind;
use nprt_core::clock::SystemClock;
use nprt_core::conformance::notifier::{all, failure, rollback};
use nprt_core::model::{Revision, Secret};
use nprt_core::ports::{Detail, Notification, Notifier, NotifierCapabilities, Occasion, Severity};
use nprt_core::wrap::{Backoff, Retry, Timeout};
use nprt_http::ClientConfig;
use nprt_notify::FanOut;
use nprt_notify::slack::{Slack, SlackBuilder, SlackConfig};
use nprt_testkit::FakeSlack;
use serde_json::{Value, json};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

const TOKEN: &str = FakeSlack::WEBHOOK;

fn webhook(server: &MockServer) -> Secret {
    Secret::new(format!("{}/services/T00000000/B00000000/{TOKEN}", server.uri()))
}

fn slack(server: &FakeSlack) -> Slack {
    Slack::webhook(Secret::new(server.webhook_url())).build().unwrap()
}

async fn received(server: &FakeSlack) -> Vec<String> {
    server.messages().iter().map(Value::to_string).collect()
}

fn last(server: &FakeSlack) -> Value {
    let mut last = server.messages().pop().unwrap();
    last.as_object_mut().unwrap().remove("ts");
    last
}

#[tokio::test]
async fn keeps_the_contract() {
    let server = FakeSlack::start().await;
    all(&slack(&server), &async || received(&server).await).await;
    let all = NotifierCapabilities { least_severity: Severity::Info, details: true, verdict: true };
    assert_eq!(slack(&server).capabilities(), all);
}

#[tokio::test]
async fn keeps_the_contract_wrapped_and_in_a_fan_out() {
    let server = FakeSlack::start().await;
    let clock = Arc::new(SystemClock);
    let limited = Timeout::new(slack(&server), Duration::from_secs(30), clock.clone());
    let retry = Retry::new(limited, Backoff::default(), clock);
    let boxed: Box<dyn Notifier> = Box::new(FanOut::new().with("slack", Arc::new(retry)));
    all(&boxed, &async || received(&server).await).await;
}

const TABLE: &str = "rule                     stable   canary   effect                  verdict
latency p95 over 30 min  100 ms   125 ms   +25 % (+20 % to +30 %)  regression
memory p99 over 30 min   256 MiB  258 MiB  +0.781 %                pass";

#[tokio::test]
async fn sends_exactly_this() {
    let server = FakeSlack::start().await;
    let notification = Notification {
        service: "cart".parse().unwrap(),
        occasion: Occasion::RolledBack,
        severity: Severity::Warning,
        revision: Some(Revision::Svn(1042)),
        summary: "p95 latency 0.31 s > limit 0.25 s".to_owned(),
        details: vec![
            Detail { name: "latency".to_owned(), value: "regression".to_owned() },
            Detail { name: "caller".to_owned(), value: String::new() },
        ],
        link: Some("https://deployer.example.org/cart/canary?from=1&to=2|x".to_owned()),
        ..rollback("x")
    };
    slack(&server).notify(&notification).await.unwrap();
    let plain = |text: &str| json!({"type": "plain_text", "text": text, "emoji": false});
    let link = "<https://deployer.example.org/cart/canary?from=1&amp;to=2%7Cx|Details>";
    let expected = json!({
        "text": "cart: rolled back: p95 latency 0.31 s &gt; limit 0.25 s",
        "mrkdwn": false,
        "unfurl_links": false,
        "unfurl_media": false,
        "blocks": [
            {"type": "header", "text": plain("⚠️ cart: rolled back")},
            {"type": "section", "text": plain("p95 latency 0.31 s &gt; limit 0.25 s")},
            {"type": "rich_text", "elements": [
                {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": TABLE}]},
            ]},
            {"type": "section", "fields": [plain("latency\nregression"), plain("caller\n–")]},
            {"type": "context", "elements": [
                plain("warning"),
                plain("revision r1042"),
                {"type": "mrkdwn", "text": link, "verbatim": true},
            ]},
        ],
    });
    assert_eq!(last(&server), expected);
}

#[tokio::test]
async fn text_of_others_is_never_markup() {
    let server = FakeSlack::start().await;
    let hostile = "<!channel> <@U012AB3CD> <https://evil.example|click> & *bold*";
    let escaped = "&lt;!channel&gt; &lt;@U012AB3CD&gt; &lt;https://evil.example|click&gt; &amp; *bold*";
    let detail = Detail { name: hostile.to_owned(), value: hostile.to_owned() };
    for link in ["javascript:alert(1)", "<!channel>", "https://a.example/<!channel>|<!here>"] {
        let link = Some(link.to_owned());
        let notification = Notification { details: vec![detail.clone()], link, ..failure(hostile) };
        slack(&server).notify(&notification).await.unwrap();
        let message = last(&server);
        assert_eq!(message["text"], format!("conformance-service: failed: {escaped}"));
        assert_eq!(message["blocks"][1]["text"]["text"], escaped);
        assert_eq!(message["blocks"][2]["fields"][0]["text"], format!("{escaped}\n{escaped}"));
        assert!(!message.to_string().contains("<!"), "{message}");
        for object in message["blocks"][3]["elements"].as_array().unwrap() {
            let text = object["text"].as_str().unwrap();
            let marked = object["type"] == "mrkdwn";
            assert!(!marked || (text.starts_with("<https://a.example/") && text.matches('|').count() == 1));
        }
    }
}

#[tokio::test]
async fn says_what_was_cut() {
    let server = FakeSlack::start().await;
    let row = |n: usize| Detail { name: format!("n{n}"), value: "v".to_owned() };
    let details = (0..1000).map(row).collect();
    let long = Notification { details, ..failure(&"<".repeat(3000)) };
    slack(&server).notify(&long).await.unwrap();
    let message = last(&server);
    let blocks = message["blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), 49);
    let summary = blocks[1]["text"]["text"].as_str().unwrap();
    assert!(summary.len() <= 3002 && summary.ends_with("&lt;… (cut)"), "{summary}");
    assert_eq!(blocks[48]["elements"][2]["text"], "… 540 more details (cut)");
}

#[tokio::test]
async fn each_documented_error_has_its_kind() {
    let cases = [
        (400, "invalid_payload", ErrorKind::Invalid),
        (400, "user_not_found", ErrorKind::Invalid),
        (403, "action_prohibited", ErrorKind::Forbidden),
        (403, "invalid_token", ErrorKind::Forbidden),
        (404, "channel_not_found", ErrorKind::NotFound),
        (404, "no_service", ErrorKind::NotFound),
        (410, "channel_is_archived", ErrorKind::NotFound),
        (429, "rate_limited", ErrorKind::RateLimited),
        (500, "rollup_error", ErrorKind::Unavailable),
        (503, "", ErrorKind::Unavailable),
    ];
    for (status, said, kind) in cases {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status).insert_header("retry-after", "30").set_body_string(said);
        Mock::given(method("POST")).respond_with(answer).mount(&server).await;
        let error =
            Slack::webhook(webhook(&server)).build().unwrap().notify(&failure("x")).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.is_temporary(), [429, 500, 503].contains(&status), "{error}");
        assert!(error.message().contains(said) && error.to_string().contains(&status.to_string()), "{error}");
        if error.is_temporary() {
            assert_eq!(error.retry_after(), Some(Duration::from_secs(30)), "{error}");
        }
    }
}

#[tokio::test]
async fn what_is_not_slack_is_not_taken_for_it() {
    let server = MockServer::start().await;
    let page = ResponseTemplate::new(200).set_body_string("<html>Log in to the proxy</html>");
    Mock::given(method("POST")).respond_with(page).mount(&server).await;
    let error = Slack::webhook(webhook(&server)).build().unwrap().notify(&failure("x")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unexpected);
    assert!(!error.is_temporary());
}

#[tokio::test]
async fn the_webhook_is_never_shown() {
    let server = MockServer::start().await;
    let echo = format!("no route for /services/T00000000/B00000000/{TOKEN}");
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(404).set_body_string(echo))
        .mount(&server)
        .await;
    let refused = Slack::webhook(webhook(&server)).build().unwrap().notify(&failure("x")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    let nobody = Slack::webhook(Secret::new(format!("http://127.0.0.1:1/services/{TOKEN}"))).build().unwrap();
    let unreachable = nobody.notify(&failure("x")).await.unwrap_err();
    assert_eq!(unreachable.kind(), ErrorKind::Unavailable);
    let invalid = |url: String| Slack::webhook(Secret::new(url)).build().unwrap_err();
    let config: SlackConfig =
        serde_json::from_value(json!({"webhook_url": webhook(&server).expose()})).unwrap();
    for shown in [
        format!("{refused:?}"),
        format!("{unreachable:?}"),
        format!("{:?}", invalid(format!("http://hooks.slack.com/services/{TOKEN}"))),
        format!("{:?}", invalid(format!("not a URL {TOKEN}"))),
        format!("{:?}", invalid(format!("ftp://127.0.0.1/{TOKEN}"))),
        format!("{config:?}"),
        format!("{:?}", SlackBuilder::from(config.clone())),
        format!("{:?}", SlackBuilder::from(config).build().unwrap()),
    ] {
        assert!(!shown.contains(TOKEN), "{shown}");
    }
}

#[tokio::test]
async fn a_silent_server_times_out() {
    let server = MockServer::start().await;
    let late = ResponseTemplate::new(200).set_body_string("ok").set_delay(Duration::from_secs(10));
    Mock::given(method("POST")).respond_with(late).mount(&server).await;
    let http = ClientConfig { timeout_seconds: 1, ..ClientConfig::default() };
    let slack = Slack::webhook(webhook(&server)).http(http).build().unwrap();
    assert_eq!(slack.notify(&failure("x")).await.unwrap_err().kind(), ErrorKind::Timeout);
}

#[test]
fn an_unknown_field_of_the_configuration_is_an_error() {
    let config = json!({"webhook_url": "https://hooks.slack.com/services/T/B/x", "chanel": "x"});
    let error = serde_json::from_value::<SlackConfig>(config).unwrap_err().to_string();
    assert!(error.contains("chanel") && error.contains("webhook_url"), "{error}");
}
