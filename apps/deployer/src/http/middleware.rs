//! What holds for every route.

use std::any::Any;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use nprt::ErrorKind;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::peer::Peer;
use super::problem::Problem;
use crate::app::App;
use crate::numbers::RequestLabels;
use crate::traces;

/// What is asked again and again, and is no news in a trace.
const LOOKS: [&str; 3] = ["/healthz", "/metrics", "/readyz"];

/// Counts the request, writes it to the log and begins its trace: never its headers or its query.
pub(crate) async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    // A client may make up methods; each would be a series.
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "PUT" | "POST") => known.to_owned(),
        _ => "other".to_owned(),
    };
    let path = request.uri().path().to_owned();
    let peer = request.extensions().get::<Peer>().copied();
    let span = if LOOKS.contains(&route.as_str()) { Span::none() } else { span(&request, &method, &route) };
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    span.record("http.response.status_code", status);
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    span.in_scope(|| match (response.status(), peer) {
        // Anybody can have as many of those as they like.
        (StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS, Some(peer)) => {
            if let Some(left_out) = app.guesses().seldom().now() {
                tracing::warn!(%method, %path, status, %peer, left_out, "request without a token that is known");
            }
        }
        _ => tracing::info!(%method, %path, status, "request"),
    });
    app.numbers().requests.get_or_create(&RequestLabels { method, route, status }).inc();
    response
}

/// Whoever comes when the process is about to end is told so at once: another replica serves.
pub(crate) async fn refuse_at_the_end(State(app): State<App>, request: Request, next: Next) -> Response {
    if app.tasks().is_closed() {
        let close = [(CONNECTION, HeaderValue::from_static("close"))];
        return (close, Problem::of_the_end()).into_response();
    }
    next.run(request).await
}

/// The span of a request, by the semantic conventions of OpenTelemetry.
fn span(request: &Request, method: &str, route: &str) -> Span {
    let span = tracing::info_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        url.path = request.uri().path(),
        http.response.status_code = Empty,
        enduser.id = Empty,
        trace_id = Empty,
    );
    traces::join(&span, request.headers());
    span
}

/// Answers come in the form that was asked for.
pub(crate) async fn vary(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().append(VARY, ACCEPT.into());
    response
}

/// Every answer is about now, is what it says it is, and is nothing that another page may show, load or be told of.
pub(super) fn protect(headers: &mut HeaderMap) {
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// A fault of ours is an answer, and not a connection that breaks.
pub(crate) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request panicked");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorKind::Unexpected, "internal error").into_response()
}
