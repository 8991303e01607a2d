//! What Slack asks of a message, as far as ours could break it: <https://docs.slack.dev/reference/block-kit/blocks>,
//! <https://docs.slack.dev/messaging/message-metadata>.

use serde_json::Value;
use wiremock::Request;

/// The message of a request.
///
/// # Errors
/// Slack's code for what is wrong.
pub(super) fn message(request: &Request) -> Result<Value, &'static str> {
    let kind = request.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next() != Some("application/json") {
        return Err("invalid_payload");
    }
    let message: Value = serde_json::from_slice(&request.body).map_err(|_| "invalid_payload")?;
    let fallback = message["text"].as_str().ok_or("no_text")?;
    let blocks = message["blocks"].as_array().ok_or("invalid_blocks_format")?;
    if fallback.is_empty() || fallback.len() > 4000 {
        return Err("msg_too_long");
    }
    if blocks.iter().map(length).sum::<usize>() > 13_000 {
        return Err("msg_blocks_too_long");
    }
    if blocks.len() > 50 || !blocks.iter().all(is_block) {
        return Err("invalid_blocks");
    }
    Ok(message)
}

/// # Errors
/// Slack's code for metadata that are none.
pub(super) fn metadata(message: &Value) -> Result<(), &'static str> {
    let Some(metadata) = message.get("metadata") else { return Ok(()) };
    let is_right = metadata["event_type"].is_string() && metadata["event_payload"].is_object();
    if is_right { Ok(()) } else { Err("invalid_metadata_format") }
}

/// The characters of all texts in it.
fn length(value: &Value) -> usize {
    match value {
        Value::Object(map) => {
            let own = map.get("text").and_then(Value::as_str).map_or(0, |text| text.chars().count());
            own + map.values().map(length).sum::<usize>()
        }
        Value::Array(items) => items.iter().map(length).sum(),
        _ => 0,
    }
}

fn is_block(block: &Value) -> bool {
    match block["type"].as_str() {
        Some("header") => block["text"]["type"] == "plain_text" && is_text(&block["text"], 150),
        Some("section") if block.get("text").is_some() => is_text(&block["text"], 3000),
        Some("section") => all(&block["fields"], 10, |field| is_text(field, 2000)),
        Some("context") => all(&block["elements"], 10, |element| is_text(element, 3100)),
        Some("rich_text") => all(&block["elements"], 10, |element| {
            let is_text = |text: &Value| text["type"] == "text" && is_text(text, usize::MAX);
            element["type"] == "rich_text_preformatted" && all(&element["elements"], 10, is_text)
        }),
        _ => false,
    }
}

fn is_text(object: &Value, longest: usize) -> bool {
    let text = object["text"].as_str().unwrap_or_default();
    !text.is_empty() && text.encode_utf16().count() <= longest
}

/// Whether it is a list of 1 to `most` that are right.
fn all(list: &Value, most: usize, is_right: impl Fn(&Value) -> bool) -> bool {
    list.as_array().is_some_and(|list| (1..=most).contains(&list.len()) && list.iter().all(is_right))
}
