//! What a server that refused said, as an error that holds no secret.

use nprt_core::{Error, ErrorKind};
use nprt_http::status_error;
use reqwest::Response;
use reqwest::header::RETRY_AFTER;

/// No answer of interest is longer, and an endless one must not be read to its end.
const LONGEST: usize = 4096;

/// The error that `response` stands for.
pub(crate) async fn refused(operation: &'static str, response: Response, secrets: &[&str]) -> Error {
    let status = response.status();
    let wait = response.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse::<u32>().ok());
    let error = status_error(operation, status, &said(response, secrets).await);
    match wait {
        Some(seconds) if error.kind() == ErrorKind::RateLimited => error.with("retry_after_seconds", seconds),
        _ => error,
    }
}

/// The beginning of the answer, where it repeats none of `secrets`.
pub(crate) async fn said(mut response: Response, secrets: &[&str]) -> String {
    let mut body = Vec::new();
    while body.len() < LONGEST {
        let Ok(Some(more)) = response.chunk().await else { break };
        body.extend_from_slice(&more);
    }
    body.truncate(LONGEST);
    let text = String::from_utf8_lossy(&body);
    if secrets.iter().any(|secret| !secret.is_empty() && text.contains(secret)) {
        return "the answer repeats a secret, and is not shown".to_owned();
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
