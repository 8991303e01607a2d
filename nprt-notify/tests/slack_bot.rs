//! Slack by a bot's token: `chat.postMessage` and its threads, against a fake made from its public documentation.
#![cfg(feature = "slack")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects")]

use std::sync::Arc;
use std::time::Duration;

use nprt_core::ErrorKind;
use nprt_core::clock::SystemClock;
use nprt_core::conformance::notifier::{all, failure, rollback};
use nprt_core::model::Secret;
use nprt_core::ports::{CanaryId, Notification, Notifier, NotifierCapabilities, Occasion, Severity};
use nprt_core::wrap::{Backoff, Retry};
use nprt_notify::slack::{Slack, SlackBuilder, SlackConfig};
use nprt_testkit::FakeSlack;
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

fn bot(server: &FakeSlack) -> Slack {
    let token = Secret::new(FakeSlack::TOKEN);
    Slack::bot(token, FakeSlack::CHANNEL).api_url(server.api_url()).build().unwrap()
}

fn started() -> Notification {
    let (occasion, severity) = (Occasion::CanaryStarted, Severity::Info);
    Notification { occasion, severity, verdict: None, ..rollback("a canary runs") }
}

fn ended() -> Notification {
    Notification { severity: Severity::Warning, ..rollback("it was rolled back") }
}

fn last(server: &FakeSlack) -> Value {
    server.messages().pop().unwrap()
}

#[tokio::test]
async fn keeps_the_contract() {
    let server = FakeSlack::start().await;
    let received = async || server.messages().iter().map(Value::to_string).collect::<Vec<_>>();
    all(&bot(&server), &received).await;
    let everything = NotifierCapabilities { least_severity: Severity::Info, details: true, verdict: true };
    assert_eq!(bot(&server).capabilities(), everything);
}

#[tokio::test]
async fn a_canary_has_one_thread_whoever_tells_of_it() {
    let server = FakeSlack::start().await;
    bot(&server).notify(&started()).await.unwrap();
    let parent = last(&server);
    assert_eq!(parent["metadata"]["event_type"], "nprt_canary");
    let payload = json!({
        "service": "conformance-service",
        "revision": "0123456789abcdef0123456789abcdef01234567",
        "started": "2026-11-18T08:20:00Z",
    });
    assert_eq!(parent["metadata"]["event_payload"], payload);
    assert_eq!((&parent["channel"], parent.get("thread_ts")), (&json!(FakeSlack::CHANNEL), None));

    // Another process, later: it knows nothing of the first.
    bot(&server).notify(&failure("something else")).await.unwrap();
    assert_eq!((last(&server).get("thread_ts"), last(&server).get("metadata")), (None, None));
    bot(&server).notify(&Notification { severity: Severity::Info, ..ended() }).await.unwrap();
    let reply = last(&server);
    assert_eq!((&reply["thread_ts"], &reply["reply_broadcast"]), (&parent["ts"], &json!(false)));
    // What needs a look is in the channel too, and still of the same thread.
    for _ in 0..2 {
        bot(&server).notify(&ended()).await.unwrap();
        let reply = last(&server);
        assert_eq!((&reply["thread_ts"], &reply["reply_broadcast"]), (&parent["ts"], &json!(true)));
    }
    let expected = "conformance-service: rolled back: it was rolled back";
    assert_eq!((&last(&server)["text"], &last(&server)["unfurl_links"]), (&json!(expected), &json!(false)));
}

#[tokio::test]
async fn another_canary_has_another_thread() {
    let server = FakeSlack::start().await;
    bot(&server).notify(&started()).await.unwrap();
    let canary = started().canary.unwrap();
    let later = CanaryId { started: canary.started + Duration::from_secs(1), ..canary.clone() };
    let of_another_version = CanaryId { revision: "r7".parse().unwrap(), ..canary.clone() };
    for other in [later, of_another_version] {
        bot(&server).notify(&Notification { canary: Some(other), ..ended() }).await.unwrap();
        assert_eq!(last(&server).get("thread_ts"), None);
    }
    let service = "other".parse().unwrap();
    bot(&server).notify(&Notification { service, ..ended() }).await.unwrap();
    assert_eq!(last(&server).get("thread_ts"), None);
    // What was posted long before the canary was started is not looked at.
    let future = CanaryId { started: "2100-01-01T00:00:00Z".parse().unwrap(), ..canary };
    for _ in 0..2 {
        bot(&server).notify(&Notification { canary: Some(future.clone()), ..ended() }).await.unwrap();
        assert_eq!(last(&server).get("thread_ts"), None);
    }
}

#[tokio::test]
async fn the_thread_is_found_pages_up_and_not_further_than_that() {
    let server = FakeSlack::start().await;
    bot(&server).notify(&started()).await.unwrap();
    let parent = last(&server);
    // Replies do not push it up.
    for others in [450, 600] {
        for _ in 0..others {
            server.say("something else");
        }
        let before = server.calls("conversations.history").await;
        bot(&server).notify(&Notification { severity: Severity::Info, ..ended() }).await.unwrap();
        let (reply, looks) = (last(&server), server.calls("conversations.history").await - before);
        if others == 450 {
            assert_eq!((&reply["thread_ts"], looks), (&parent["ts"], 3));
        } else {
            assert_eq!((reply.get("thread_ts"), looks), (None, 5));
        }
    }
}

#[tokio::test]
async fn where_the_thread_is_not_found_the_message_stands_by_itself() {
    let server = FakeSlack::start().await;
    bot(&server).notify(&started()).await.unwrap();
    let ok = |answer: Value| ResponseTemplate::new(200).set_body_json(answer);
    let late = ok(json!({"ok": true, "messages": []})).set_delay(Duration::from_secs(20));
    for (number, fault) in [
        ok(json!({"ok": false, "error": "missing_scope", "needed": "channels:history"})),
        ok(json!({"ok": true, "messages": "none"})),
        ResponseTemplate::new(429).insert_header("retry-after", "30"),
        ResponseTemplate::new(500),
        ResponseTemplate::new(200).set_body_string("<html>"),
        late,
    ]
    .into_iter()
    .enumerate()
    {
        server.answer_next("conversations.history", fault);
        let summary = format!("told all the same {number}");
        bot(&server).notify(&Notification { summary: summary.clone(), ..ended() }).await.unwrap();
        let message = last(&server);
        assert!(message["text"].as_str().unwrap().ends_with(&summary), "{message}");
        assert_eq!(message.get("thread_ts"), None, "{number}");
    }
}

#[tokio::test]
async fn each_documented_error_has_its_kind() {
    let cases = [
        ("invalid_auth", ErrorKind::Unauthenticated),
        ("token_revoked", ErrorKind::Unauthenticated),
        ("not_in_channel", ErrorKind::Forbidden),
        ("missing_scope", ErrorKind::Forbidden),
        ("restricted_action", ErrorKind::Forbidden),
        ("channel_not_found", ErrorKind::NotFound),
        ("is_archived", ErrorKind::NotFound),
        ("msg_too_long", ErrorKind::Invalid),
        ("invalid_blocks", ErrorKind::Invalid),
        ("ratelimited", ErrorKind::RateLimited),
        ("rate_limited", ErrorKind::RateLimited),
        ("internal_error", ErrorKind::Unavailable),
        ("service_unavailable", ErrorKind::Unavailable),
        ("something_new", ErrorKind::Unexpected),
    ];
    let server = FakeSlack::start().await;
    for (code, kind) in cases {
        let answer = json!({"ok": false, "error": code, "needed": "chat:write", "provided": "x"});
        server.answer_next("chat.postMessage", ResponseTemplate::new(200).set_body_json(answer));
        let error = bot(&server).notify(&failure("x")).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (kind, code), "{error}");
        let temporary = matches!(kind, ErrorKind::RateLimited | ErrorKind::Unavailable);
        assert_eq!(error.is_temporary(), temporary, "{error}");
    }
    let said = async |answer: ResponseTemplate| {
        server.answer_next("chat.postMessage", answer);
        bot(&server).notify(&failure("x")).await.unwrap_err()
    };
    let ok_false = |code: &str| {
        ResponseTemplate::new(200).set_body_json(json!({"ok": false, "error": code, "needed": "chat:write"}))
    };
    assert!(said(ok_false("missing_scope")).await.to_string().contains("chat:write"));
    assert!(said(ok_false("not_in_channel")).await.to_string().contains("invited"));
    let wait = ResponseTemplate::new(429).insert_header("retry-after", "30");
    let error = said(wait).await;
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, Some(Duration::from_secs(30))));
    for strange in ["<html>Log in to the proxy</html>", "[]", "{}", ""] {
        let error = said(ResponseTemplate::new(200).set_body_string(strange)).await;
        assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Unexpected, false), "{strange}");
    }
    assert_eq!(server.messages(), [json!(null); 0]);
}

#[tokio::test]
async fn a_message_for_which_slack_asks_to_wait_is_told_then_and_once() {
    let server = FakeSlack::start().await;
    let wait = ResponseTemplate::new(429).insert_header("retry-after", "1");
    server.answer_next("chat.postMessage", wait);
    let retry = Retry::new(bot(&server), Backoff::default(), Arc::new(SystemClock));
    retry.notify(&started()).await.unwrap();
    assert_eq!((server.messages().len(), server.calls("chat.postMessage").await), (1, 2));
}

#[tokio::test]
async fn the_token_is_never_shown() {
    let server = FakeSlack::start().await;
    let builder = Slack::bot(Secret::new(FakeSlack::TOKEN), FakeSlack::CHANNEL).api_url(server.api_url());
    let echo = |status| ResponseTemplate::new(status).set_body_string(FakeSlack::TOKEN);
    let mut shown = vec![format!("{builder:?}"), format!("{:?}", bot(&server))];
    let code = json!({"ok": false, "error": FakeSlack::TOKEN});
    for answer in [echo(200), echo(403), ResponseTemplate::new(200).set_body_json(code)] {
        server.answer_next("chat.postMessage", answer);
        shown.push(format!("{:?}", bot(&server).notify(&failure("x")).await.unwrap_err()));
    }
    let nobody = builder.clone().api_url("http://127.0.0.1:1/").build().unwrap();
    let unreachable = nobody.notify(&failure("x")).await.unwrap_err();
    assert_eq!(unreachable.kind(), ErrorKind::Unavailable);
    shown.push(format!("{unreachable:?}"));
    let config = json!({"token": FakeSlack::TOKEN, "channel": FakeSlack::CHANNEL});
    let config: SlackConfig = serde_json::from_value(config).unwrap();
    assert_eq!(config.api_url, "https://slack.com/api/");
    shown.push(format!("{config:?} {:?}", SlackBuilder::from(config.clone()).build().unwrap()));
    for text in shown {
        assert!(!text.contains(FakeSlack::TOKEN), "{text}");
    }
}

#[test]
fn the_builder_wants_one_way_and_the_channels_id() {
    let build = |config: Value| {
        let config: SlackConfig = serde_json::from_value(config).unwrap();
        SlackBuilder::from(config).build().unwrap_err()
    };
    let (token, id) = ("xoxb-1-s3cret", "C0123456789");
    for (config, expected) in [
        (json!({}), "either webhook_url, or token and channel"),
        (json!({"token": token}), "either webhook_url, or token and channel"),
        (json!({"channel": id}), "either webhook_url, or token and channel"),
        (json!({"webhook_url": "https://x", "token": token, "channel": id}), "either webhook_url"),
        (json!({"token": token, "channel": "#deploys"}), "channel"),
        (json!({"token": token, "channel": "deploys"}), "C0123456789, not its name"),
        (json!({"token": "s3cret\n", "channel": id}), "token"),
        (json!({"token": "", "channel": id}), "token"),
        (json!({"token": token, "channel": id, "api_url": "http://slack.example.com/"}), "api_url"),
        (json!({"token": token, "channel": id, "api_url": "slack.com"}), "url"),
    ] {
        let error = build(config.clone());
        assert!(error.is_invalid() && error.to_string().contains(expected), "{config}: {error}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}
