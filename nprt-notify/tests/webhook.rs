//! The signed webhook, against a receiver that verifies it by Standard Webhooks' own library.
#![cfg(feature = "webhook")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects")]

use std::sync::Arc;
use std::time::Duration;

use nprt_core::ErrorKind;
use nprt_core::clock::ManualClock;
use nprt_core::clock::SystemClock;
use nprt_core::conformance::notifier::{all, failure, rollback};
use nprt_core::model::Secret;
use nprt_core::ports::{Notification, Notifier, NotifierCapabilities, Occasion, Severity};
use nprt_core::verdict::VERDICT_SCHEMA;
use nprt_core::wrap::{Backoff, Retry, Timeout};
use nprt_notify::FanOut;
use nprt_notify::webhook::{WEBHOOK_SCHEMA, Webhook, WebhookBuilder, WebhookConfig};
use nprt_testkit::WebhookReceiver;
use serde_json::{Value, json};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

const SECRET: &str = WebhookReceiver::SECRET;

fn webhook(server: &WebhookReceiver) -> Webhook {
    Webhook::builder(server.url(), Secret::new(SECRET)).build().unwrap()
}

#[tokio::test]
async fn keeps_the_contract_also_wrapped_and_in_a_fan_out() {
    let server = WebhookReceiver::start().await;
    let received = async || server.received().iter().map(Value::to_string).collect::<Vec<_>>();
    all(&webhook(&server), &received).await;
    let everything = NotifierCapabilities { least_severity: Severity::Info, details: true, verdict: true };
    assert_eq!(webhook(&server).capabilities(), everything);
    let clock = Arc::new(SystemClock);
    let limited = Timeout::new(webhook(&server), Duration::from_secs(30), clock.clone());
    let fan_out = FanOut::new().with("webhook", Arc::new(Retry::new(limited, Backoff::default(), clock)));
    all(&fan_out, &received).await;
}

#[tokio::test]
async fn sends_exactly_this_by_its_schema() {
    let server = WebhookReceiver::start().await;
    let notification = rollback("the canary was rolled back");
    webhook(&server).notify(&notification).await.unwrap();
    let revision = "0123456789abcdef0123456789abcdef01234567";
    let expected = json!({
        "type": "nprt.rolled_back",
        "timestamp": "2026-11-18T11:06:40Z",
        "data": {
            "service": "conformance-service",
            "severity": "error",
            "revision": revision,
            "summary": "the canary was rolled back",
            "details": [{"name": "caller", "value": "the suite"}],
            "canary": {"revision": revision, "started": "2026-11-18T08:20:00Z"},
            "verdict": notification.verdict,
            "link": "https://example.org/canary/1",
        },
    });
    assert_eq!(server.received(), [expected]);

    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.enable_format_assertions();
    let schema = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    compiler.add_resource("https://nprt.dev/schema/verdict.json", schema(VERDICT_SCHEMA)).unwrap();
    compiler.add_resource("https://nprt.dev/schema/webhook.json", schema(WEBHOOK_SCHEMA)).unwrap();
    let compiled = compiler.compile("https://nprt.dev/schema/webhook.json", &mut schemas).unwrap();
    for occasion in [
        Occasion::Deployed,
        Occasion::CanaryStarted,
        Occasion::Promoted,
        Occasion::RolledBack,
        Occasion::Failed,
    ] {
        let bare = Notification { link: None, revision: None, ..failure("x") };
        for notification in [bare, rollback("x")] {
            webhook(&server).notify(&Notification { occasion, ..notification }).await.unwrap();
        }
    }
    for body in server.received() {
        schemas.validate(&body, compiled).unwrap_or_else(|error| panic!("{body}: {error}"));
    }
    let mut wrong = server.received().remove(0);
    wrong["data"]["verdict"]["verdict"] = json!("perhaps");
    assert!(schemas.validate(&wrong, compiled).is_err());
}

#[tokio::test]
async fn each_try_of_one_notification_has_its_id_and_no_other_has() {
    let server = WebhookReceiver::start().await;
    let later = Notification { at: failure("x").at + Duration::from_nanos(1), ..failure("x") };
    for notification in [failure("x"), failure("x"), later, failure("y")] {
        webhook(&server).notify(&notification).await.unwrap();
    }
    let ids = server.ids();
    assert!(ids[0] == ids[1] && ids[0] != ids[2] && ids[0] != ids[3] && ids[2] != ids[3], "{ids:?}");
    assert!(ids.iter().all(|id| id.starts_with("msg_") && !id.contains('.')), "{ids:?}");
}

#[tokio::test]
async fn a_receiver_with_another_secret_or_clock_refuses() {
    let server = WebhookReceiver::start().await;
    let other = Secret::new("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let forged = Webhook::builder(server.url(), other).build().unwrap();
    assert_eq!(forged.notify(&failure("x")).await.unwrap_err().kind(), ErrorKind::Unauthenticated);
    // What was recorded once is refused later.
    let past = Arc::new(ManualClock::new("2020-01-01T00:00:00Z".parse().unwrap()));
    let old = Webhook::builder(server.url(), Secret::new(SECRET)).clock(past).build().unwrap();
    assert_eq!(old.notify(&failure("x")).await.unwrap_err().kind(), ErrorKind::Unauthenticated);
    assert_eq!(server.received(), [json!(null); 0]);
}

#[tokio::test]
async fn each_status_has_its_kind_and_no_secret_is_shown() {
    for (status, kind) in [
        (302, ErrorKind::Unexpected),
        (400, ErrorKind::Invalid),
        (401, ErrorKind::Unauthenticated),
        (404, ErrorKind::NotFound),
        (410, ErrorKind::NotFound),
        (429, ErrorKind::RateLimited),
        (502, ErrorKind::Unavailable),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status)
            .insert_header("retry-after", "7")
            .insert_header("location", "https://elsewhere.example/")
            .set_body_string(format!("the secret is not {SECRET}"));
        Mock::given(method("POST")).respond_with(answer).mount(&server).await;
        let webhook = Webhook::builder(server.uri(), Secret::new(SECRET)).build().unwrap();
        let error = webhook.notify(&failure("x")).await.unwrap_err();
        assert_eq!((error.kind(), error.is_temporary()), (kind, status == 429 || status == 502), "{error}");
        assert!(!format!("{error:?} {webhook:?}").contains("MfKQ"), "{error:?}");
    }
}

#[test]
fn the_builder_validates_and_shows_no_secret() {
    let build = |url: &str, secret: &str| Webhook::builder(url, Secret::new(secret)).build();
    build("http://hooks.shop.svc/nprt?team=a", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    for (field, url, secret) in [
        ("url", "hooks.example.org", SECRET),
        ("url", "ftp://hooks.example.org", SECRET),
        ("url", "https://me:s3cret@hooks.example.org", SECRET),
        ("url", "https://hooks.example.org/#s3cret", SECRET),
        ("secret", "https://hooks.example.org", ""),
        ("secret", "https://hooks.example.org", "whsec_s3cret"),
        ("secret", "https://hooks.example.org", "correct horse battery staple s3cret"),
    ] {
        let error = build(url, secret).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(&format!("field: {field}")), "{error}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
    let config = json!({"url": "https://hooks.example.org", "secret": SECRET});
    let config: WebhookConfig = serde_json::from_value(config).unwrap();
    let shown = format!("{config:?} {:?}", WebhookBuilder::from(config.clone()));
    assert!(!shown.contains("MfKQ"), "{shown}");
    let unknown = json!({"url": "https://x", "secret": SECRET, "key": "x"});
    assert!(serde_json::from_value::<WebhookConfig>(unknown).unwrap_err().to_string().contains("secret"));
}
