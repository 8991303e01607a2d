//! A notification as the JSON of an event.

use jiff::Timestamp;
use nprt_core::ports::{Detail, Notification};
use nprt_core::verdict::Verdict;
use serde_json::{Map, Value, json};

use crate::text::fit;

/// The version of the payload's format that is written here.
pub(super) const PAYLOAD_VERSION: &str = "5";
const MESSAGE: usize = 5000;
const DETAIL_NAME: usize = 200;
const DETAIL: usize = 5000;
const RULES: usize = 100;
/// All details together. A payload may have 1 MB in bytes (512 kB by older documentation, and so on older
/// installations), and a character has up to three of them.
const DETAILS: usize = 100_000;

/// As the API writes times: RFC 3339 in UTC, with milliseconds.
pub(super) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

pub(super) fn payload(notification: &Notification, release_stage: &str, now: Timestamp) -> Value {
    let Notification { service, occasion, severity, revision, summary, details, verdict, link, .. } =
        notification;
    let revision = revision.as_ref().map(ToString::to_string);
    let mut tabs = json!({
        "nprt": {
            "service": service,
            "occasion": occasion,
            "revision": revision,
            "link": link.as_ref().map(|link| plain(link, DETAIL)),
        },
        "details": tab(details),
    });
    if let Some(verdict) = verdict {
        tabs["verdict"] = rules(verdict);
    }
    json!({
        "payloadVersion": PAYLOAD_VERSION,
        "notifier": {
            "name": "nprt",
            "version": env!("CARGO_PKG_VERSION"),
            "url": env!("CARGO_PKG_REPOSITORY"),
        },
        "events": [{
            "exceptions": [{
                "errorClass": format!("{service}: {}", occasion.as_str()),
                "message": plain(summary, MESSAGE),
                "stacktrace": [],
            }],
            "context": service,
            // Without it Bugsnag groups by stack frames, which a failed deploy has none of.
            "groupingHash": format!("nprt/{service}/{}", occasion.as_str()),
            "unhandled": false,
            "severity": severity.as_str(),
            "severityReason": {"type": "userSpecifiedSeverity"},
            "app": {"id": service, "version": revision, "releaseStage": release_stage},
            "device": {"time": time(now)},
            "metaData": tabs,
        }],
    })
}

/// The verdict as a tab of Bugsnag's, which shows a map in a map as a table of its own.
fn rules(verdict: &Verdict) -> Value {
    let rows = verdict.rows();
    let mut rules = Map::new();
    for (n, row) in rows.iter().take(RULES).enumerate() {
        let [rule, stable, canary, effect, decision] = row.cells();
        let figures = json!({"verdict": decision, "stable": stable, "canary": canary, "effect": effect});
        rules.insert(name(rule, n, &rules), figures);
    }
    if rows.len() > RULES {
        rules.insert("…".to_owned(), format!("{} more rules (cut)", rows.len() - RULES).into());
    }
    json!({"verdict": verdict.decision.as_str(), "reason": plain(&verdict.reason, DETAIL), "rules": rules})
}

fn plain(text: &str, longest: usize) -> String {
    fit(text, longest, |_| None)
}

/// A tab is a map: an entry whose name is empty or comes again gets its number.
fn name(text: &str, n: usize, tab: &Map<String, Value>) -> String {
    let name = plain(text, DETAIL_NAME);
    if name.trim().is_empty() || tab.contains_key(&name) { format!("{name} ({})", n + 1) } else { name }
}

/// The details as a tab of Bugsnag's.
fn tab(details: &[Detail]) -> Map<String, Value> {
    let (mut tab, mut room) = (Map::new(), DETAILS);
    for (n, detail) in details.iter().enumerate() {
        let name = name(&detail.name, n, &tab);
        let value = plain(&detail.value, DETAIL);
        let Some(rest) = room.checked_sub(name.encode_utf16().count() + value.encode_utf16().count()) else {
            tab.insert("…".to_owned(), format!("{} more details (cut)", details.len() - n).into());
            break;
        };
        room = rest;
        tab.insert(name, value.into());
    }
    tab
}
