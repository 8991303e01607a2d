//! Bugsnag's Error Reporting API, against a fake made from <https://docs.bugsnag.com/api/error-reporting/>.
#![cfg(feature = "bugsnag")]
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::sync::Arc;
use std::time::Duration;

use nprt_core::ErrorKind;
use nprt_core::clock::ManualClock;
use nprt_core::conformance::notifier::{all, failure, rollback};
use nprt_core::model::Secret;
use nprt_core::ports::{Detail, Notification, Notifier, NotifierCapabilities, Occasion, Severity};
use nprt_notify::FanOut;
use nprt_notify::bugsnag::{Bugsnag, BugsnagBuilder, BugsnagConfig};
use nprt_testkit::FakeBugsnag;
use serde_json::{Value, json};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

const KEY: &str = FakeBugsnag::KEY;

fn builder(server: &FakeBugsnag) -> BugsnagBuilder {
    let clock = Arc::new(ManualClock::default());
    Bugsnag::builder(Secret::new(KEY)).endpoint(server.endpoint()).clock(clock)
}

async fn received(server: &FakeBugsnag) -> Vec<String> {
    server.payloads().await.iter().map(Value::to_string).collect()
}

async fn last(server: &FakeBugsnag) -> Value {
    server.payloads().await.pop().unwrap()
}

#[tokio::test]
async fn keeps_the_contract() {
    let server = FakeBugsnag::start().await;
    let bugsnag = Arc::new(builder(&server).build().unwrap());
    all(&*bugsnag, &async || received(&server).await).await;
    let all_of_it = NotifierCapabilities { least_severity: Severity::Info, details: true, verdict: true };
    assert_eq!(bugsnag.capabilities(), all_of_it);
    let fan_out = FanOut::new().with("bugsnag", bugsnag);
    all(&fan_out, &async || received(&server).await).await;
    for least in [Severity::Warning, Severity::Error] {
        let some = builder(&server).least_severity(least).build().unwrap();
        all(&some, &async || received(&server).await).await;
    }
}

#[tokio::test]
async fn sends_exactly_this() {
    let server = FakeBugsnag::start().await;
    let bugsnag = builder(&server).release_stage("staging").build().unwrap();
    let row = |name: &str, value: &str| Detail { name: name.to_owned(), value: value.to_owned() };
    let notification = Notification {
        service: "cart".parse().unwrap(),
        details: vec![row("caller", "ci"), row("object", "Deployment/cart"), row("object", "<Service>")],
        ..failure("the rollout of Deployment/cart failed: <crash loop>")
    };
    bugsnag.notify(&notification).await.unwrap();
    let revision = "0123456789abcdef0123456789abcdef01234567";
    let expected = json!({
        "payloadVersion": "5",
        "notifier": {
            "name": "nprt",
            "version": env!("CARGO_PKG_VERSION"),
            "url": env!("CARGO_PKG_REPOSITORY"),
        },
        "events": [{
            "exceptions": [{
                "errorClass": "cart: failed",
                "message": "the rollout of Deployment/cart failed: <crash loop>",
                "stacktrace": [],
            }],
            "context": "cart",
            "groupingHash": "nprt/cart/failed",
            "unhandled": false,
            "severity": "error",
            "severityReason": {"type": "userSpecifiedSeverity"},
            "app": {"id": "cart", "version": revision, "releaseStage": "staging"},
            "device": {"time": "2026-01-01T00:00:00.000Z"},
            "metaData": {
                "nprt": {
                    "service": "cart",
                    "occasion": "failed",
                    "revision": revision,
                    "link": "https://example.org/canary/1",
                },
                "details": {"caller": "ci", "object": "Deployment/cart", "object (3)": "<Service>"},
            },
        }],
    });
    assert_eq!(last(&server).await, expected);
    let request = server.requests().await.remove(0);
    assert_eq!(request.headers["bugsnag-sent-at"], "2026-01-01T00:00:00.000Z");
}

#[tokio::test]
async fn failures_of_one_service_make_one_group() {
    let server = FakeBugsnag::start().await;
    let bugsnag = builder(&server).build().unwrap();
    let told = async |service: &str, occasion, summary| {
        let service = service.parse().unwrap();
        bugsnag.notify(&Notification { service, occasion, ..failure(summary) }).await.unwrap();
        last(&server).await["events"][0]["groupingHash"].as_str().unwrap().to_owned()
    };
    let first = told("cart", Occasion::Failed, "one reason").await;
    assert_eq!(first, told("cart", Occasion::Failed, "another reason").await);
    assert_ne!(first, told("shop", Occasion::Failed, "one reason").await);
    assert_ne!(first, told("cart", Occasion::RolledBack, "one reason").await);
}

#[tokio::test]
async fn a_verdict_is_a_tab() {
    let server = FakeBugsnag::start().await;
    let bugsnag = builder(&server).build().unwrap();
    let mut notification = rollback("the canary was rolled back");
    let memory = notification.verdict.as_ref().unwrap().metrics[0].clone();
    // Twice the same rule, with other margins.
    notification.verdict.as_mut().unwrap().metrics.push(memory);
    bugsnag.notify(&Notification { severity: Severity::Warning, ..notification }).await.unwrap();
    let event = &last(&server).await["events"][0];
    let memory = json!({"verdict": "pass", "stable": "256 MiB", "canary": "258 MiB", "effect": "+0.781 %"});
    let expected = json!({
        "verdict": "regression",
        "reason": "latency p95: 125 ms on the canary is above the limit of 110 ms",
        "rules": {
            "latency p95 over 30 min": {
                "verdict": "regression",
                "stable": "100 ms",
                "canary": "125 ms",
                "effect": "+25 % (+20 % to +30 %)",
            },
            "memory p99 over 30 min": memory,
            "memory p99 over 30 min (3)": memory,
        },
    });
    assert_eq!(event["metaData"]["verdict"], expected);
    assert_eq!((&event["severity"], &event["context"]), (&json!("warning"), &json!("conformance-service")));
}

#[tokio::test]
async fn what_is_less_severe_than_it_wants_is_not_sent() {
    let server = FakeBugsnag::start().await;
    let bugsnag = builder(&server).least_severity(Severity::Error).build().unwrap();
    for severity in [Severity::Info, Severity::Warning] {
        bugsnag.notify(&Notification { severity, ..failure("x") }).await.unwrap();
    }
    assert_eq!(received(&server).await, [""; 0]);
}

#[tokio::test]
async fn each_documented_error_has_its_kind() {
    let cases = [
        (400, ErrorKind::Invalid),
        (401, ErrorKind::Unauthenticated),
        (403, ErrorKind::Forbidden),
        (413, ErrorKind::Invalid),
        (429, ErrorKind::RateLimited),
        (500, ErrorKind::Unavailable),
        (204, ErrorKind::Unexpected),
    ];
    for (status, kind) in cases {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status)
            .insert_header("retry-after", "7")
            .set_body_string(format!("Rejected: the key {KEY} is not known"));
        Mock::given(method("POST")).respond_with(answer).mount(&server).await;
        let bugsnag = Bugsnag::builder(Secret::new(KEY)).endpoint(server.uri()).build().unwrap();
        let error = bugsnag.notify(&failure("x")).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.is_temporary(), [429, 500].contains(&status), "{error}");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)), "{error}");
        assert!(!format!("{error:?}").contains(KEY), "{error:?}");
    }
}

#[test]
fn the_builder_validates_and_shows_no_secret() {
    let build = |key: &str, endpoint: &str, stage: &str| {
        let builder = Bugsnag::builder(Secret::new(key)).endpoint(endpoint).release_stage(stage);
        assert!(!format!("{builder:?}").contains(KEY), "{builder:?}");
        builder.build()
    };
    let bugsnag = build(KEY, "https://notify.example.org", "production").unwrap();
    assert!(!format!("{bugsnag:?}").contains(KEY), "{bugsnag:?}");
    for (field, key, endpoint, stage) in [
        ("api_key", "", "https://a.example", "x"),
        ("api_key", &format!("{KEY}\n")[..], "https://a.example", "x"),
        ("endpoint", KEY, "notify.bugsnag.com", "x"),
        ("endpoint", KEY, "ftp://a.example", "x"),
        ("endpoint", KEY, "https://user:s3cret@a.example", "x"),
        ("release_stage", KEY, "https://a.example", " "),
    ] {
        let error = build(key, endpoint, stage).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(field), "{error}");
        assert!(!error.to_string().contains(KEY) && !error.to_string().contains("s3cret"), "{error}");
    }
}

#[test]
fn the_configuration_has_defaults_and_no_unknown_fields() {
    let config: BugsnagConfig = serde_json::from_value(json!({"api_key": KEY})).unwrap();
    assert_eq!(config.endpoint, "https://notify.bugsnag.com");
    assert_eq!((&*config.release_stage, config.least_severity), ("production", Severity::Info));
    assert!(!format!("{config:?}").contains(KEY));
    let error = serde_json::from_value::<BugsnagConfig>(json!({"api_key": KEY, "stage": "x"})).unwrap_err();
    assert!(error.to_string().contains("release_stage"), "{error}");
}
