use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt::Display;
use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use nprt::model::shown;
use nprt::ports::{Activity, Busy};
use nprt::{Error, ErrorKind};
use serde::Serialize;

/// When to come again.
const AGAIN_SECONDS: u64 = 10;

/// An error as a client sees it: a problem document by RFC 9457.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(crate) struct Problem(Box<Document>);

#[derive(Debug, Clone, Serialize)]
struct Document {
    #[serde(rename = "type")]
    kind_uri: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    kind: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    context: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    available: Vec<String>,
    /// The operation that is in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    under_way: Option<Activity>,
    #[serde(skip)]
    retry_after: Option<u64>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self(Box::new(Document {
            kind_uri: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: shown(&detail.into()).into_owned(),
            instance: None,
            kind: kind.as_str(),
            context: BTreeMap::new(),
            available: Vec::new(),
            under_way: None,
            retry_after: None,
        }))
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorKind::Invalid, detail)
    }

    /// The body is of another type than the route takes.
    pub(crate) fn unsupported_type(detail: &str, types: &[&str]) -> Self {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Self::new(status, ErrorKind::Unsupported, detail).with_available(types)
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, ErrorKind::Forbidden, detail)
    }

    /// The process is about to end.
    pub(crate) fn of_the_end() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorKind::Unavailable, "the server ends")
    }

    /// The peer has sent too many tokens that are not known, and may try again after `wait`.
    pub(crate) fn too_many_guesses(wait: Duration) -> Self {
        let detail =
            "too many tokens from this address were not known; one that worked from here before still does";
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorKind::RateLimited, detail);
        problem.0.retry_after = Some(wait.as_secs() + 1);
        problem.with("option", "limits.wrong_tokens_per_minute")
    }

    pub(crate) fn too_large_headers(limit: usize) -> Self {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        Self::new(status, ErrorKind::Invalid, "the line and headers are too large").with("limit", limit)
    }

    pub(crate) fn with(mut self, key: &'static str, value: impl Display) -> Self {
        self.0.context.insert(key, shown(&value.to_string()).into_owned());
        self
    }

    pub(crate) fn with_available<I: IntoIterator<Item: ToString>>(mut self, names: I) -> Self {
        self.0.available.extend(names.into_iter().map(|name| shown(&name.to_string()).into_owned()));
        self
    }

    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The same as what passes: who asks is to come again a little later.
    pub(crate) fn transient(mut self) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        self.0.status = status.as_u16();
        self.0.title = status.canonical_reason().unwrap_or("Error");
        self.0.retry_after = Some(AGAIN_SECONDS);
        self
    }

    pub(crate) fn at(mut self, instance: impl Into<String>) -> Self {
        self.0.instance = Some(instance.into());
        self
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let mut problem = Self::new(status_of(&error), error.kind(), error.message());
        problem = problem.with("operation", error.operation());
        for (key, value) in error.context() {
            problem = problem.with(key, value);
        }
        if let Some(lease) = Busy::of(&error) {
            problem.0.under_way = Some(lease.activity());
        } else if let Some(cause) = error.source() {
            problem = problem.with("cause", cause);
        }
        problem = problem.with_available(error.available());
        problem.0.retry_after = error.retry_after().map(|wait| wait.as_secs().max(1));
        problem
    }
}

/// The status of an error: what the client asked for is 4xx, what a server behind this one does is 5xx.
fn status_of(error: &Error) -> StatusCode {
    let is_of = |part: &str| error.operation().starts_with(part);
    match error.kind() {
        // The caller's words are right, what they name is not.
        ErrorKind::Invalid if is_of("manifest") || is_of("object") => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Invalid | ErrorKind::Ambiguous | ErrorKind::Mismatch | ErrorKind::Unsupported => {
            StatusCode::BAD_REQUEST
        }
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict | ErrorKind::Cancelled => StatusCode::CONFLICT,
        // Who asks may not; what a service may not bring is in its manifests.
        ErrorKind::Forbidden if is_of("pipeline.branch") => StatusCode::FORBIDDEN,
        ErrorKind::Forbidden if is_of("pipeline") => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Rejected | ErrorKind::RolloutFailed => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        // A service's policy and its metrics backend do not go together.
        ErrorKind::NotConfigured => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_GATEWAY,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let content = [(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))];
        let mut response = (status, content, body).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"deployer\", charset=\"UTF-8\""),
            );
        }
        if let Some(seconds) = self.0.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_status() {
        for (kind, operation, status) in [
            (ErrorKind::Invalid, "version", 400),
            (ErrorKind::Invalid, "manifest.read", 422),
            (ErrorKind::NotFound, "vcs.resolve", 404),
            (ErrorKind::NotConfigured, "aggregator.blocks", 500),
            (ErrorKind::Mismatch, "vcs.resolve", 400),
            (ErrorKind::Conflict, "cluster.acquire", 409),
            (ErrorKind::Forbidden, "pipeline.allowed", 422),
            (ErrorKind::Forbidden, "pipeline.branch", 403),
            (ErrorKind::Forbidden, "registry.tags", 502),
            (ErrorKind::Unauthenticated, "registry.tags", 502),
            (ErrorKind::Rejected, "cluster.dry_run", 422),
            (ErrorKind::RolloutFailed, "pipeline.rollout", 422),
            (ErrorKind::RateLimited, "registry.tags", 429),
            (ErrorKind::Unavailable, "vcs.resolve", 503),
            (ErrorKind::Timeout, "vcs.resolve", 504),
            (ErrorKind::Unexpected, "vcs.resolve", 502),
        ] {
            assert_eq!(status_of(&Error::new(kind, operation, "x")).as_u16(), status, "{kind:?} {operation}");
        }
    }
}
