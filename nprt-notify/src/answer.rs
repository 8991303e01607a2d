//! What a server that refused said, as an error that holds no secret.

use nprt_core::model::shown;
use nprt_core::{Error, ErrorKind};
use nprt_http::{retry_after, status_error};
use reqwest::{Response, StatusCode};

/// No answer of interest is longer, and an endless one must not be read to its end.
const LONGEST: usize = 4096;

/// The error that `response` stands for.
pub(crate) async fn refused(operation: &'static str, response: Response, secrets: &[&str]) -> Error {
    let status = response.status();
    let wait = retry_after(response.headers());
    let said = said(response, secrets).await;
    if status == StatusCode::GONE {
        // An archived channel, or a receiver that wants no more: not so because of how the message looks.
        return Error::new(ErrorKind::NotFound, operation, said).with("status", status.as_u16());
    }
    status_error(operation, status, &said).with_retry_after(wait)
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
    shown(&text).replace(char::is_control, " ")
}
