use nprt_core::Error;
use nprt_http::{read_body, retry_after, status_error};
use reqwest::Response;
use serde::Deserialize;

use super::auth::Authorization;

/// The longest refusal that is read, in bytes.
const LONGEST: usize = 1 << 16;

/// The errors of the distribution API: `{"errors": [{"code": "NAME_UNKNOWN", "message": "…"}]}`.
#[derive(Deserialize)]
struct Refusal {
    errors: Vec<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// The first reason that a refusal gives.
fn reason(content: &[u8]) -> Option<String> {
    let refusal: Refusal = serde_json::from_slice(content).ok()?;
    let reason = refusal.errors.into_iter().next()?;
    Some(format!("{}: {}", reason.code, reason.message))
}

pub(super) fn fuzz_refusal(content: &[u8]) {
    let _ = reason(content);
}

/// The error of an answer whose status is no success; `sent` is what the request carried.
pub(super) async fn refusal(
    operation: &'static str,
    response: Response,
    sent: Option<&Authorization>,
) -> Error {
    let status = response.status();
    let wait = retry_after(response.headers());
    let content = read_body(operation, response, LONGEST).await.unwrap_or_default();
    let said = reason(&content).filter(|said| !sent.is_some_and(|sent| sent.is_in(said))).unwrap_or_default();
    status_error(operation, status, said.trim().trim_matches(':')).with_retry_after(wait)
}
