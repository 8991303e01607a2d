use std::time::Duration;

use nprt_core::model::Secret;
use nprt_core::{Error, ErrorKind};
use nprt_http::{check_values, retry_after};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::error::refusal;

const OPERATION: &str = "datadog.query";

/// A refusal has no more values than this.
const VALUES: usize = 10_000;

/// The headers that tell which limit was hit, how much it allows, and when it begins anew.
const LIMITS: [&str; 4] =
    ["x-ratelimit-name", "x-ratelimit-limit", "x-ratelimit-period", "x-ratelimit-reset"];

/// The error of a refusal, with what Datadog says about its limits.
pub(super) fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8], secrets: &[Secret]) -> Error {
    let body: Option<Value> =
        check_values(OPERATION, body, VALUES).ok().and_then(|()| serde_json::from_slice(body).ok());
    let said = body.map(|body| said(&body["errors"], secrets)).unwrap_or_default();
    // Datadog's own header, in seconds from now; it sends no other.
    let reset = headers.get("x-ratelimit-reset").filter(|_| status == StatusCode::TOO_MANY_REQUESTS);
    let reset = reset.and_then(|seconds| seconds.to_str().ok()?.parse::<u32>().ok());
    let wait = retry_after(headers).or(reset.map(|seconds| Duration::from_secs(seconds.into())));
    let mut error = refusal(OPERATION, status, &said).with_retry_after(wait);
    for name in LIMITS {
        if let Some(value) = headers.get(name).and_then(|value| value.to_str().ok()) {
            error = error.with(name, value);
        }
    }
    error
}

/// The error of an answer that says of itself that it is none, or not the whole: any of these fields that holds
/// something.
pub(super) fn incomplete<'a>(
    fields: impl IntoIterator<Item = (&'static str, &'a Value)>,
    secrets: &[Secret],
) -> Option<Error> {
    let (field, words) = fields.into_iter().find(|(_, value)| !is_empty(value))?;
    let error = match field {
        "warnings" => {
            let message = "Datadog warns that its answer may be incomplete";
            Error::new(ErrorKind::Unavailable, OPERATION, message)
        }
        _ => Error::new(ErrorKind::Unexpected, OPERATION, "the query failed"),
    };
    Some(error.with("said", said(words, secrets)))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.iter().all(is_empty),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// `errors` is a list of texts in a refusal, and one text in an answer; other lists have objects with a `title` or
/// `detail`. One that repeats a key is not shown.
fn said(words: &Value, secrets: &[Secret]) -> String {
    let mut all = Vec::new();
    collect(words, 3, &mut all);
    let all = if all.is_empty() { words.to_string() } else { all.join("; ") };
    if words.is_null() {
        return String::new();
    }
    if secrets.iter().any(|secret| all.contains(secret.expose())) {
        return "what Datadog says repeats a key, and is not shown".to_owned();
    }
    all.chars().take(300).collect()
}

fn collect<'a>(value: &'a Value, depth: u8, all: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => all.push(text),
        Value::Array(values) if depth > 0 => values.iter().for_each(|value| collect(value, depth - 1, all)),
        Value::Object(fields) if depth > 0 => {
            let named = ["title", "detail", "message", "error"];
            named
                .iter()
                .filter_map(|name| fields.get(*name))
                .for_each(|value| collect(value, depth - 1, all));
        }
        _ => {}
    }
}
