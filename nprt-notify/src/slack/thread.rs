//! One thread a canary. Which message began it is asked of Slack itself, so that it survives a restart and every
//! replica finds it: each message carries the canary's identity as metadata.

use jiff::SignedDuration;
use nprt_core::Result;
use nprt_core::model::ServiceName;
use nprt_core::ports::CanaryId;
use serde_json::{Value, json};

use super::client::{WebApi, read};

const EVENT_TYPE: &str = "nprt_canary";
/// How far Slack's clock may be behind ours.
const SKEW: SignedDuration = SignedDuration::from_mins(10);
const PAGE: &str = "200";
/// A thread further up than this is not found.
const PAGES: usize = 5;
/// It goes into the next address.
const LONGEST_CURSOR: usize = 1000;
/// A message is named by the time that it was sent at.
const LONGEST_TIME: usize = 64;

/// What the messages about a canary carry.
pub(super) fn metadata(service: &ServiceName, canary: &CanaryId) -> Value {
    json!({
        "event_type": EVENT_TYPE,
        "event_payload": {
            "service": service,
            "revision": canary.revision,
            "started": canary.started,
        },
    })
}

/// The message that began the thread of the canary with this `metadata`, if one was posted.
pub(super) async fn parent(
    api: &WebApi,
    channel: &str,
    canary: &CanaryId,
    metadata: &Value,
) -> Result<Option<String>> {
    let oldest = (canary.started - SKEW).as_second().to_string();
    let mut cursor = String::new();
    for _ in 0..PAGES {
        let mut query = vec![
            ("channel", channel),
            ("oldest", &oldest),
            ("limit", PAGE),
            ("include_all_metadata", "true"),
        ];
        if !cursor.is_empty() {
            query.push(("cursor", &cursor));
        }
        let page = api.history(&query).await?;
        if let Some(parent) = parent_in(&page, metadata) {
            return Ok(Some(parent));
        }
        match page["response_metadata"]["next_cursor"].as_str() {
            Some(next) if (1..=LONGEST_CURSOR).contains(&next.len()) => next.clone_into(&mut cursor),
            _ => break,
        }
    }
    Ok(None)
}

fn parent_in(page: &Value, metadata: &Value) -> Option<String> {
    // The newest comes first, and the oldest is the parent; of a reply, it is the one that it names.
    let mut messages = page["messages"].as_array()?.iter().rev();
    let own = messages.find(|message| {
        let theirs = &message["metadata"];
        theirs["event_type"] == metadata["event_type"] && theirs["event_payload"] == metadata["event_payload"]
    })?;
    let time = own["thread_ts"].as_str().or(own["ts"].as_str());
    time.filter(|time| time.len() <= LONGEST_TIME).map(str::to_owned)
}

/// Reads `body` as what Slack answers, and looks for a thread in it. It is for fuzzing: it must not panic.
#[doc(hidden)]
pub fn fuzz_answer(body: &[u8]) {
    if let Ok(answer) = read(body) {
        let _ = parent_in(&answer, &json!({"event_type": EVENT_TYPE, "event_payload": {}}));
    }
}
