//! <https://docs.slack.dev/reference/methods/conversations.history>

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wiremock::http::Url;

use super::FakeSlack;

/// A page of what stands in the channel itself, the newest first.
pub(super) fn page(messages: &[Value], url: &Url) -> Result<Value, &'static str> {
    let asked: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    let asked = |name: &str| asked.get(name).map(String::as_str);
    if asked("channel") != Some(FakeSlack::CHANNEL) {
        return Err("channel_not_found");
    }
    let number = |name, default: f64| asked(name).map_or(Ok(default), |text| text.parse().map_err(|_| name));
    let oldest = number("oldest", 0.0).map_err(|_| "invalid_ts_oldest")?;
    let limit = number("limit", 100.0).map_err(|_| "invalid_limit")?;
    let skip: usize = asked("cursor").unwrap_or("0").parse().map_err(|_| "invalid_cursor")?;
    let in_channel = |message: &&Value| {
        let is_reply = message.get("thread_ts").is_some_and(|parent| *parent != message["ts"]);
        !is_reply || message["reply_broadcast"] == true
    };
    let late = |message: &&Value| {
        let ts = message["ts"].as_str().and_then(|ts| ts.parse::<f64>().ok());
        ts.is_some_and(|ts| ts > oldest)
    };
    let mut left = messages.iter().rev().filter(in_channel).filter(late).skip(skip);
    let with_metadata = asked("include_all_metadata") == Some("true");
    let mut page = Vec::<Value>::new();
    while (page.len() as f64) < limit.min(999.0) {
        let Some(message) = left.next() else { break };
        let mut message = message.clone();
        if let (false, Some(fields)) = (with_metadata, message.as_object_mut()) {
            fields.remove("metadata");
        }
        page.push(message);
    }
    let next = if left.next().is_some() { (skip + page.len()).to_string() } else { String::new() };
    Ok(json!({
        "ok": true,
        "messages": page,
        "has_more": !next.is_empty(),
        "response_metadata": {"next_cursor": next},
    }))
}
