//! The contract of [`Notifier`].
//!
//! `received` answers with all that the receiving server has accepted so far, oldest first, each delivery as
//! the text that it came as: the suite looks for its own words in it. Whether markup is escaped depends on
//! the receiver's language, and is for the backend's own tests.

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use jiff::Timestamp;

use crate::model::{Revision, ServiceName};
use crate::ports::{CanaryId, Detail, Notification, Notifier, Occasion, Severity};
use crate::verdict::Verdict;
use crate::{Error, Result};

const OCCASIONS: [Occasion; 6] = [
    Occasion::Deployed,
    Occasion::CanaryStarted,
    Occasion::Promoted,
    Occasion::RolledBack,
    Occasion::Undecided,
    Occasion::Failed,
];

/// Every function below.
///
/// # Panics
/// Where the notifier breaks its contract.
pub async fn all(notifier: &dyn Notifier, received: &impl AsyncFn() -> Vec<String>) {
    delivers_what_it_claims(notifier, received).await;
    shows_details_as_claimed(notifier, received).await;
    shows_a_verdict_as_claimed(notifier, received).await;
    takes_any_text(notifier, received).await;
    cuts_what_is_too_long_and_says_so(notifier, received).await;
    calls_do_not_disturb_each_other(notifier, received).await;
    dropped_call_breaks_nothing(notifier, received).await;
}

/// A notification of severity [`Severity::Error`], as the suite sends it.
///
/// # Panics
/// Never: its values are valid.
#[must_use]
pub fn failure(summary: &str) -> Notification {
    let at = Timestamp::constant(1_795_000_000, 0);
    let service = expect(ServiceName::new("conformance-service"));
    Notification {
        revision: Some(revision()),
        details: vec![Detail { name: "caller".to_owned(), value: "the suite".to_owned() }],
        link: Some("https://example.org/canary/1".to_owned()),
        ..Notification::new(at, service, Occasion::Failed, Severity::Error, summary)
    }
}

fn revision() -> Revision {
    expect(Revision::new("0123456789abcdef0123456789abcdef01234567"))
}

/// A rollback of severity [`Severity::Error`] by the verdict of two rules, as the suite sends it.
///
/// # Panics
/// Never: its values are valid.
#[must_use]
pub fn rollback(summary: &str) -> Notification {
    let started = Timestamp::constant(1_794_990_000, 0);
    let verdict: Verdict = serde_json::from_str(include_str!("verdict.json"))
        .unwrap_or_else(|error| fail("the verdict cannot be read", &error));
    Notification {
        occasion: Occasion::RolledBack,
        canary: Some(CanaryId { revision: revision(), started }),
        verdict: Some(verdict),
        ..failure(summary)
    }
}

/// When the call returns, the server has it: each severity and occasion once, with service and summary;
/// below the least severity nothing, and `Ok`.
///
/// # Panics
/// Where that is not so.
pub async fn delivers_what_it_claims(notifier: &dyn Notifier, received: &impl AsyncFn() -> Vec<String>) {
    for severity in [Severity::Info, Severity::Warning, Severity::Error] {
        for occasion in OCCASIONS {
            let summary = format!("told of {occasion:?} as {severity:?}");
            let notification = Notification { occasion, severity, ..failure(&summary) };
            let delivered = told(notifier, received, &notification).await;
            if severity < notifier.capabilities().least_severity {
                assert_eq!(delivered, [""; 0], "{severity:?} is not claimed, and was sent");
                continue;
            }
            let [text] = delivered.as_slice() else { fail("expected one delivery", &delivered) };
            for part in [summary.as_str(), "conformance-service"] {
                assert!(text.contains(part), "no {part:?} in {text}");
            }
        }
    }
}

/// Names and values of the details arrive, in their order, if that is claimed.
///
/// # Panics
/// Where they do not.
pub async fn shows_details_as_claimed(notifier: &dyn Notifier, received: &impl AsyncFn() -> Vec<String>) {
    if !notifier.capabilities().details {
        return;
    }
    let row = |n: usize| Detail { name: format!("name-{n}-"), value: format!("value-{n}-") };
    // One name twice: rows are a list, not a map.
    let details = (0..12).map(row).chain([Detail { value: "second-value".to_owned(), ..row(0) }]).collect();
    let delivered = told(notifier, received, &Notification { details, ..failure("with details") }).await;
    let [text] = delivered.as_slice() else { fail("expected one delivery", &delivered) };
    let mut from = 0;
    for part in (0..12).flat_map(|n| [row(n).name, row(n).value]).chain(["second-value".to_owned()]) {
        let Some(at) = text[from..].find(&part) else { fail(&format!("no {part} in its place"), text) };
        from += at + part.len();
    }
}

/// The decision of each rule arrives with its metric, its figures and the effect, if that is claimed; and news
/// with a verdict arrive either way.
///
/// # Panics
/// Where they do not.
pub async fn shows_a_verdict_as_claimed(notifier: &dyn Notifier, received: &impl AsyncFn() -> Vec<String>) {
    let delivered = told(notifier, received, &rollback("by a verdict")).await;
    let [text] = delivered.as_slice() else { fail("expected one delivery", &delivered) };
    if !notifier.capabilities().verdict {
        return;
    }
    // Figures as people read them, or as they are.
    for (said, or) in [
        ("latency", "latency"),
        ("p95 over 30 min", "p95 over 30 min"),
        ("regression", "regression"),
        ("125 ms", "0.125"),
        ("+25 %", "0.25"),
        ("memory", "memory"),
        ("pass", "pass"),
    ] {
        assert!(text.contains(said) || text.contains(or), "neither {said:?} nor {or:?} in {text}");
    }
}

/// Markup, control characters, other scripts and nothing at all are text like any other.
///
/// # Panics
/// Where one is refused.
pub async fn takes_any_text(notifier: &dyn Notifier, received: &impl AsyncFn() -> Vec<String>) {
    let texts = [
        "<!channel> <@U012AB3CD> &amp; <https://example.org|click> *bold* `code` @here",
        "<script>alert(1)</script> \"quoted\" \\ {\"json\": 1} %s {}",
        "two\nlines\r\n\ttab \u{0} \u{7} \u{1b}[31m",
        "ünïcödé 日本語 🚀 \u{202e}right to left",
        "",
    ];
    for text in texts {
        let detail = Detail { name: text.to_owned(), value: text.to_owned() };
        let links = [None, Some("no link at all <|>".to_owned()), Some(String::new())];
        for link in links {
            let notification = Notification { details: vec![detail.clone()], link, ..failure(text) };
            let delivered = told(notifier, received, &notification).await;
            assert_eq!(delivered.len(), 1, "{text:?} was delivered as {delivered:?}");
        }
    }
    let bare = Notification { revision: None, link: None, details: Vec::new(), ..failure("bare") };
    assert_eq!(told(notifier, received, &bare).await.len(), 1, "without revision, link and details");
}

/// A long text arrives whole, or cut with a `…`; so do long details and many of them.
///
/// # Panics
/// Where one is refused, or cut in silence.
pub async fn cuts_what_is_too_long_and_says_so(
    notifier: &dyn Notifier,
    received: &impl AsyncFn() -> Vec<String>,
) {
    let long = "<&ü".repeat(20_000) + "END-OF-TEXT";
    let row = |n: usize| Detail { name: format!("name {n}"), value: "x".repeat(100) };
    let many: Vec<Detail> = (0..2000).map(row).chain([Detail { value: long.clone(), ..row(0) }]).collect();
    for notification in [
        failure(&long),
        Notification { link: Some(format!("https://example.org/{long}")), ..failure("a long link") },
        Notification { details: many, ..failure("many details") },
        Notification { details: vec![Detail { name: long.clone(), ..row(0) }], ..failure("a long name") },
        Notification { details: vec![Detail { value: long.clone(), ..row(0) }], ..failure("a long value") },
    ] {
        let delivered = told(notifier, received, &notification).await;
        let [text] = delivered.as_slice() else { fail("expected one delivery", &delivered.len()) };
        let whole = text.contains("END-OF-TEXT");
        assert!(whole || text.contains('…'), "cut in silence, of {} characters", text.len());
    }
}

/// Calls at the same time are all delivered, each once.
///
/// # Panics
/// Where one is lost or doubled.
pub async fn calls_do_not_disturb_each_other(
    notifier: &dyn Notifier,
    received: &impl AsyncFn() -> Vec<String>,
) {
    let notifications: Vec<_> = (0..20).map(|n| failure(&format!("at-the-same-time-{n}."))).collect();
    let before = received().await.len();
    for result in join_all(notifications.iter().map(|notification| notifier.notify(notification))).await {
        expect(result);
    }
    let delivered = received().await.split_off(before);
    for Notification { summary, .. } in &notifications {
        let times = delivered.iter().filter(|text| text.contains(summary)).count();
        assert_eq!(times, 1, "{summary} was delivered {times} times");
    }
    assert_eq!(delivered.len(), notifications.len());
}

/// A call that was dropped half-way leaves the next one whole.
///
/// # Panics
/// Where it does not.
pub async fn dropped_call_breaks_nothing(notifier: &dyn Notifier, received: &impl AsyncFn() -> Vec<String>) {
    let before = received().await.len();
    let _ = notifier.notify(&failure("dropped half-way")).now_or_never();
    expect(notifier.notify(&failure("told after a dropped call")).await);
    let delivered = received().await.split_off(before);
    let times = delivered.iter().filter(|text| text.contains("told after a dropped call")).count();
    assert_eq!(times, 1, "the call after a dropped one was delivered {times} times");
}

/// What arrived by this call.
async fn told(
    notifier: &dyn Notifier,
    received: &impl AsyncFn() -> Vec<String>,
    notification: &Notification,
) -> Vec<String> {
    let before = received().await.len();
    expect(notifier.notify(notification).await);
    received().await.split_off(before)
}

#[expect(clippy::panic, reason = "this is how the suite says what is wrong")]
fn fail(what: &str, found: &dyn std::fmt::Debug) -> ! {
    panic!("{what}: {found:?}")
}

fn expect<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|error: Error| fail("failed", &error))
}
