use std::time::Duration;

use jiff::fmt::rfc2822;
use nprt_core::{Error, ErrorKind};
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

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

/// How long the server asks to wait before the next try, by the header `Retry-After` of its answer: a number
/// of seconds, or a time, which is read by the server's own clock (the header `Date`). For
/// [`Error::with_retry_after`].
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let asked = text(RETRY_AFTER)?;
    if let Ok(seconds) = asked.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let [until, now] = [asked, text(DATE)?].map(|time| rfc2822::parse(time).ok());
    // A time that is past asks for no wait.
    Some(Duration::try_from(until?.duration_since(&now?)).unwrap_or_default())
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

    #[test]
    fn the_server_says_how_long_to_wait() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let cases = [
            (Some("7"), None, Some(7)),
            (Some(" 0 "), None, Some(0)),
            (Some("Sun, 06 Nov 1994 08:51:07 GMT"), Some(date), Some(90)),
            (Some("Sun, 06 Nov 1994 08:49:00 GMT"), Some(date), Some(0)),
            (Some("Sun, 06 Nov 1994 08:51:07 GMT"), None, None),
            (Some("-1"), Some(date), None),
            (Some("soon"), Some(date), None),
            (Some("99999999999999999999"), Some(date), None),
            (None, Some(date), None),
        ];
        for (asked, now, expected) in cases {
            let headers = [(RETRY_AFTER, asked), (DATE, now)];
            let headers =
                headers.into_iter().filter_map(|(name, value)| Some((name, value?.parse().unwrap())));
            assert_eq!(retry_after(&headers.collect()), expected.map(Duration::from_secs), "{asked:?}");
        }
    }
}
