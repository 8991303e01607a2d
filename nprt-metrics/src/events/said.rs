use std::time::Duration;

use jiff::Timestamp;
use nprt_core::model::Secret;
use nprt_core::{Error, Result};
use nprt_http::{check_values, retry_after};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::Value;

use crate::error::refusal;

/// A refusal holds no more values than this.
const VALUES: usize = 10_000;

/// An answer that is no success, and what to read it by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal<'a> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    pub(crate) token: &'a Secret,
    /// The header with the time, in seconds since 1970, at which a rate limit ends.
    pub(crate) reset: Option<&'static str>,
}

/// The error of a refusal, with the server's words and how long it asks to wait.
pub(crate) fn refused(operation: &'static str, refusal_of: Refusal<'_>, now: Timestamp) -> Error {
    let Refusal { status, headers, body, token, reset } = refusal_of;
    let words = check_values(operation, body, VALUES).ok().and_then(|()| serde_json::from_slice(body).ok());
    let words = words.map(|value: Value| said(&value, token)).unwrap_or_default();
    let reset = reset.filter(|_| status == StatusCode::TOO_MANY_REQUESTS).and_then(|name| {
        let seconds: i64 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
        let wait = seconds.checked_sub(now.as_second())?;
        u64::try_from(wait).ok().map(Duration::from_secs)
    });
    refusal(operation, status, &words).with_retry_after(retry_after(headers).or(reset))
}

/// The words of an error's body: `detail`, `errors`, `error` or `message`, each a text, a list or an object of them.
/// One that repeats the token is not shown.
pub(crate) fn said(body: &Value, token: &Secret) -> String {
    let mut words = Vec::new();
    collect(body, 3, &mut words);
    let words = words.join("; ");
    if words.contains(token.expose()) {
        return "the answer repeats the token, and is not shown".to_owned();
    }
    words.chars().take(300).collect()
}

fn collect<'a>(value: &'a Value, depth: u8, words: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => words.push(text),
        Value::Array(all) if depth > 0 => all.iter().for_each(|value| collect(value, depth - 1, words)),
        Value::Object(fields) if depth > 0 => {
            let named = ["detail", "errors", "error", "message"];
            named
                .iter()
                .filter_map(|name| fields.get(*name))
                .for_each(|value| collect(value, depth - 1, words));
        }
        _ => {}
    }
}

/// The header `Authorization`, kept out of logs.
pub(crate) fn bearer(operation: &'static str, scheme: &str, token: &Secret) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("{scheme} {}", token.expose()))
        .map_err(|_| Error::invalid(operation, "the token cannot be sent in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_words_of_an_error_are_found() {
        let token = Secret::new("s3cret");
        for (body, words) in [
            (json!({"detail": "no such project"}), "no such project"),
            (json!({"detail": {"message": "slow down"}}), "slow down"),
            (json!({"errors": ["a", "b"]}), "a; b"),
            (json!({"error": "s3cret is wrong"}), "the answer repeats the token, and is not shown"),
            (json!([{"other": "x"}]), ""),
        ] {
            assert_eq!(said(&body, &token), words);
        }
    }
}
