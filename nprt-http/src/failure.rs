use nprt_core::{Error, ErrorKind};
use reqwest::StatusCode;

/// The error of a request that got no complete answer. The URL is left out: its path or query may be secret.
#[must_use]
pub fn request_error(operation: &'static str, error: reqwest::Error) -> Error {
    let (kind, message) = if error.is_timeout() {
        (ErrorKind::Timeout, "no answer in the time allowed")
    } else if error.is_connect() {
        (ErrorKind::Unavailable, "no connection")
    } else if error.is_decode() {
        (ErrorKind::Unexpected, "the answer cannot be read")
    } else if error.is_builder() {
        (ErrorKind::Invalid, "the request cannot be made")
    } else {
        (ErrorKind::Unavailable, "the connection broke")
    };
    Error::new(kind, operation, message).with_source(error.without_url())
}

/// The error of an answer whose status is no success; `said` is what of its body is fit to show (cut to
/// 300 characters).
#[must_use]
pub fn status_error(operation: &'static str, status: StatusCode, said: &str) -> Error {
    let kind = match status.as_u16() {
        400 | 405..=408 | 410..=417 | 422 => ErrorKind::Invalid,
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        429 => ErrorKind::RateLimited,
        500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::Unexpected,
    };
    let said = said.trim();
    let cut: String = said.chars().take(300).collect();
    let more = if cut.len() < said.len() { "…" } else { "" };
    let message = if cut.is_empty() { "the server refused".to_owned() } else { format!("{cut}{more}") };
    Error::new(kind, operation, message).with("status", status.as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_decides_on_a_retry() {
        let error = |status| status_error("x.y", StatusCode::from_u16(status).unwrap(), "");
        for temporary in [429, 500, 502, 503, 504] {
            assert!(error(temporary).is_temporary(), "{temporary}");
        }
        for permanent in [302, 400, 401, 403, 404, 409, 422] {
            assert!(!error(permanent).is_temporary(), "{permanent}");
        }
    }

    #[test]
    fn a_long_answer_is_cut() {
        let message = status_error("x.y", StatusCode::BAD_REQUEST, &"ä".repeat(1000)).message().to_owned();
        assert_eq!(message.chars().count(), 301);
    }
}
