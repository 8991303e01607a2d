//! `deployer statsd`: what statsd clients send, aggregated in a process of its own, which all replicas ask.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use nprt::aggregator::Endpoint;
use nprt::clock::SystemClock;
use nprt::statsd::StatsdServer;
use serde_json::json;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::config::token::hash_of;
use crate::config::{AggregatorConfig, Environment};
use crate::http::Server;
use crate::shutdown;

/// So many answers are made at the same time: each may hold some megabytes.
const ANSWERS: usize = 8;

/// What requests share.
#[derive(Debug, Clone)]
struct Shared {
    endpoint: Endpoint,
    token: Option<[u8; 32]>,
    room: Arc<Semaphore>,
}

/// Serves until the process is asked to end.
pub(crate) async fn run(
    path: &Path,
    listen: Option<SocketAddr>,
    is_insecure: bool,
) -> Result<String, String> {
    let config =
        AggregatorConfig::load(path, &Environment::Process).map_err(|problems| problems.to_string())?;
    if config.token.is_none() && !is_insecure {
        return Err("aggregator.token: missing; without one, --insecure lets everybody ask".to_owned());
    }
    let clock = Arc::new(SystemClock);
    let statsd = StatsdServer::start(&config.statsd, clock.clone()).map_err(|error| error.to_string())?;
    let endpoint = Endpoint::new(statsd.backend(), clock);
    let shared = Shared { endpoint, token: config.token, room: Arc::new(Semaphore::new(ANSWERS)) };
    let address = listen.unwrap_or(config.listen);
    let server = Server::of(address, config.limits, routes(shared), TaskTracker::new()).await?;
    tracing::info!(listen = %statsd.local_addr(), "statsd listens");
    tracing::info!(address = %server.address()?, "listens");
    server.serve(shutdown::asked()).await;
    Ok(String::new())
}

fn routes(shared: Shared) -> Router {
    Router::new().route("/healthz", get(async || "ok\n")).fallback(get(answer)).with_state(shared)
}

async fn answer(
    State(shared): State<Shared>,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if !is_let_in(shared.token.as_ref(), &headers) {
        let body = Json(json!({"version": 1, "error": "this bearer token is not known, or none was given"}));
        return (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer realm=\"statsd\"")], body)
            .into_response();
    }
    // It is never closed.
    let _room = shared.room.acquire().await;
    let reply = shared.endpoint.answer(uri.path(), &query.unwrap_or_default()).await;
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(CONTENT_TYPE, "application/json")], reply.body).into_response()
}

fn is_let_in(token: Option<&[u8; 32]>, headers: &HeaderMap) -> bool {
    let Some(token) = token else { return true };
    let given = headers.get(AUTHORIZATION).and_then(|given| given.to_str().ok()).and_then(|given| {
        let (scheme, secret) = given.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| hash_of(secret.trim()))
    });
    given.is_some_and(|given| bool::from(given.ct_eq(token)))
}
