use nprt_core::{Error, ErrorKind, Result};
use nprt_http::{request_error, status_error};
use reqwest::Response;
use reqwest::header::RETRY_AFTER;
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

/// The error of an answer whose status is no success; `sent` is what the request carried.
pub(super) async fn refusal(
    operation: &'static str,
    response: Response,
    sent: Option<&Authorization>,
) -> Error {
    let status = response.status();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().parse::<u32>().ok());
    let content = body(operation, response, LONGEST).await.unwrap_or_default();
    let said = serde_json::from_slice::<Refusal>(&content)
        .ok()
        .and_then(|refusal| refusal.errors.into_iter().next())
        .map(|reason| format!("{}: {}", reason.code, reason.message))
        .filter(|said| !sent.is_some_and(|sent| sent.is_in(said)))
        .unwrap_or_default();
    let error = status_error(operation, status, said.trim().trim_matches(':'));
    match retry_after {
        Some(seconds) => error.with("retry after", format_args!("{seconds} s")),
        None => error,
    }
}

/// The body, of at most `longest` bytes.
pub(super) async fn body(operation: &'static str, mut response: Response, longest: usize) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| request_error(operation, error))? {
        if content.len() + chunk.len() > longest {
            return Err(Error::new(ErrorKind::Unexpected, operation, "the answer is too long")
                .with("bytes allowed", longest));
        }
        content.extend_from_slice(&chunk);
    }
    Ok(content)
}
