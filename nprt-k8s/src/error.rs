//! What the API server, or the way to it, says when a request fails.

use std::time::Duration;

use kube::client::AuthError;
use kube::core::Status;
use kube::core::response::{StatusCause, StatusDetails};
use nprt_core::{Error, ErrorKind};

use crate::operation::operation;

/// Why a request has no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server said no.
    Refused(Box<Status>),
    /// There was no answer to understand.
    Broken(Error),
}

impl Failure {
    pub(crate) fn new(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Refused(status),
            error => Self::Broken(broken(error)),
        }
    }

    /// Whether the API server said that there is no such object. What a proxy says, or the server of a path
    /// that it does not have, is no answer: taken for one, a live canary would be none.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(status) if status.code == 404 && status.reason == "NotFound")
    }

    /// Whether there is nothing under this path, whoever said so.
    pub(crate) fn is_no_path(&self) -> bool {
        matches!(self, Self::Refused(status) if status.code == 404)
    }

    /// Whether somebody else was quicker.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused(status) if kind(status) == ErrorKind::Conflict)
    }

    /// Whether the request was built on an object that is another by now, or was not there and is.
    pub(crate) fn is_outdated(&self) -> bool {
        let Self::Refused(status) = self else { return false };
        let mut causes = status.details.iter().flat_map(|details| &details.causes);
        // Fields of another manager are a conflict too, which names them.
        kind(status) == ErrorKind::Conflict && causes.all(|cause| cause.reason != "FieldManagerConflict")
    }

    /// Whether the server read the object and would not have it so.
    pub(crate) fn is_invalid_object(&self) -> bool {
        matches!(self, Self::Refused(status) if status.code == 422)
    }

    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Refused(status) if status.code == 404 && status.reason != "NotFound" => {
                Error::new(ErrorKind::Unexpected, operation(), "this is no answer of an API server")
                    .with("status", status.code)
            }
            Self::Refused(status) => refused(kind(&status), &status),
            Self::Broken(error) => error,
        }
    }
}

/// What a refusal is for.
pub(crate) fn caused_by(causes: Vec<StatusCause>) -> StatusDetails {
    let [name, group, kind, uid] = [const { String::new() }; 4];
    StatusDetails { name, group, kind, uid, causes, retry_after_seconds: 0 }
}

/// The server's answer as an error of `kind`.
pub(crate) fn refused(kind: ErrorKind, status: &Status) -> Error {
    let asked = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    Error::new(kind, operation(), one_line(&status.message))
        .with("status", status.code)
        .with_retry_after((asked > 0).then(|| Duration::from_secs(asked.into())))
}

/// What a refusal means, by its reason and code. Each reason has one code, but a code may have several.
pub(crate) fn kind(status: &Status) -> ErrorKind {
    match (status.reason.as_str(), status.code) {
        ("Timeout" | "ServerTimeout", _) | (_, 504) => ErrorKind::Timeout,
        (_, 400 | 405 | 406 | 415) => ErrorKind::Invalid,
        (_, 401) => ErrorKind::Unauthenticated,
        (_, 403) => ErrorKind::Forbidden,
        (_, 404) => ErrorKind::NotFound,
        (_, 409) => ErrorKind::Conflict,
        (_, 413 | 422) => ErrorKind::Rejected,
        (_, 429) => ErrorKind::RateLimited,
        // Gone is a list or watch that is too old: the next one is not.
        (_, 410 | 500..=599) => ErrorKind::Unavailable,
        _ => ErrorKind::Unexpected,
    }
}

/// `text` in one line of at most 600 characters.
pub(crate) fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(600) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn broken(error: kube::Error) -> Error {
    if let Some(error) = no_credentials(&error) {
        return error;
    }
    let (kind, message) = match &error {
        kube::Error::BuildRequest(_) | kube::Error::HttpError(_) => {
            (ErrorKind::Invalid, "the request cannot be made")
        }
        kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => {
            (ErrorKind::Unexpected, "the answer cannot be read")
        }
        _ if is_tls(&error) => (ErrorKind::Unexpected, "the server's certificate is not trusted"),
        kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::ReadEvents(_) => {
            (ErrorKind::Unavailable, "the API server cannot be reached")
        }
        _ => (ErrorKind::Unexpected, "the request failed"),
    };
    Error::new(kind, operation(), message).with_source(error)
}

/// That credentials cannot be had, where that is the error. What a credential plugin printed is left out, and
/// its arguments: both may hold the credentials.
pub(crate) fn no_credentials(error: &kube::Error) -> Option<Error> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(present) = cause {
        if let Some(auth) = present.downcast_ref::<AuthError>() {
            let error = |message| Error::new(ErrorKind::Unauthenticated, operation(), message);
            return Some(match auth {
                AuthError::AuthExecRun { out, .. } => {
                    error("the credential plugin failed").with("exit", out.status)
                }
                AuthError::AuthExecParse(_) | AuthError::ParseTokenKey(_) => {
                    error("the credential plugin printed no credentials")
                }
                auth => error("the credentials cannot be had").with("why", one_line(&auth.to_string())),
            });
        }
        cause = present.source();
    }
    None
}

/// Whether TLS refused, which no retry changes. An I/O error hides what it wraps from its source.
fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>()
        || wrapped.is_some_and(|wrapped| is_tls(wrapped))
        || error.source().is_some_and(is_tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(reason: &str, code: u16) -> Box<Status> {
        Box::new(Status { code, reason: reason.to_owned(), message: "no".to_owned(), ..Status::default() })
    }

    #[test]
    fn reason_and_code_decide() {
        use ErrorKind::*;
        for (reason, code, expected, temporary) in [
            ("Unauthorized", 401, Unauthenticated, false),
            ("Forbidden", 403, Forbidden, false),
            ("NotFound", 404, NotFound, false),
            ("AlreadyExists", 409, Conflict, false),
            ("Conflict", 409, Conflict, false),
            ("Expired", 410, Unavailable, true),
            ("Invalid", 422, Rejected, false),
            ("TooManyRequests", 429, RateLimited, true),
            ("InternalError", 500, Unavailable, true),
            ("ServerTimeout", 500, Timeout, true),
            ("ServiceUnavailable", 503, Unavailable, true),
            ("Timeout", 504, Timeout, true),
            ("", 302, Unexpected, false),
        ] {
            let error = Failure::Refused(status(reason, code)).into_error();
            assert_eq!((error.kind(), error.is_temporary()), (expected, temporary), "{reason} {code}");
        }
    }

    #[test]
    fn a_server_that_asks_to_wait_is_heard() {
        let mut busy = status("TooManyRequests", 429);
        assert_eq!(refused(kind(&busy), &busy).retry_after(), None);
        busy.details = serde_json::from_str(r#"{"retryAfterSeconds": 7}"#).unwrap();
        let error = Failure::Refused(busy).into_error();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_message_is_one_line() {
        assert_eq!(one_line("a\n  b\tc"), "a b c");
        assert_eq!(one_line(&"ä".repeat(1000)).chars().count(), 601);
    }
}
