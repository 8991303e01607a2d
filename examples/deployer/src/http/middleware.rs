//! What holds for every route.

use std::any::Any;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONNECTION, VARY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use nprt::ErrorKind;
use tracing::field::Empty;
use tracing::{Instrument, Span};

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
    let span = if LOOKS.contains(&route.as_str()) { Span::none() } else { span(&request, &method, &route) };
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    span.record("http.response.status_code", status);
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    span.in_scope(|| tracing::info!(%method, %path, status, "request"));
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

/// Answers are about now, come in the form that was asked for, and are what they say they are.
pub(crate) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.append(VARY, ACCEPT.into());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A fault of ours is an answer, and not a connection that breaks.
pub(crate) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request panicked");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorKind::Unexpected, "a fault of the server")
        .into_response()
}
