//! `deployer statsd`: what statsd clients send, aggregated in a process of its own, which all replicas ask.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use futures_util::FutureExt;
use nprt::aggregator::Endpoint;
use nprt::clock::SystemClock;
use nprt::statsd::{Aggregator, StatsdConfig, StatsdServer};
use serde_json::json;
use subtle::ConstantTimeEq;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use crate::changes::Changes;
use crate::config::token::hash_of;
use crate::config::{AggregatorConfig, Environment, Problems};
use crate::http::{Guesses, Peer, Server};
use crate::otlp::{self, Otlp};
use crate::probes::answer_probes;
use crate::shutdown;
use crate::statsd_numbers::numbers;

/// How many answers may be built at the same time: each may take a few megabytes.
const ANSWERS: usize = 8;

/// What requests share.
#[derive(Debug, Clone)]
struct Shared {
    endpoint: Endpoint,
    aggregator: Arc<Aggregator>,
    /// What takes OTLP, if the configuration says so.
    otlp: Option<Otlp>,
    /// The hash of the token; another one after a change of the file.
    token: watch::Receiver<Option<[u8; 32]>>,
    guesses: Arc<Guesses>,
    wrong_tokens_per_minute: u32,
    room: Arc<Semaphore>,
}

/// Serves until the process is asked to end.
pub(crate) async fn run(
    path: &Path,
    listen: Option<SocketAddr>,
    health_listen: Option<SocketAddr>,
    is_insecure: bool,
) -> Result<String, String> {
    let changes = Changes::of(path).await;
    let config = read(path, is_insecure)?;
    let clock = Arc::new(SystemClock);
    let own = Otlp::bind(&config.statsd)?;
    let statsd = StatsdServer::start(&config.statsd, clock.clone()).map_err(|error| error.to_string())?;
    let aggregator = statsd.backend();
    if config.statsd.services.is_empty() {
        tracing::warn!(
            "no services are named: the first {} that are heard of get room; name them by aggregator.statsd.services",
            config.statsd.limits.services
        );
    }
    let otlp = Otlp::new(&config.statsd, aggregator.clone()).map_err(|error| error.to_string())?;
    let _listening = match (&otlp, own) {
        (Some(otlp), Some(listener)) => Some(otlp.listen(listener, config.limits)?),
        _ => None,
    };
    let endpoint = Endpoint::new(aggregator.clone(), clock);
    let (newest, token) = watch::channel(config.token);
    let heard = Arc::clone(&aggregator);
    let shared = Shared {
        endpoint,
        aggregator,
        otlp,
        token,
        guesses: Arc::default(),
        wrong_tokens_per_minute: config.limits.wrong_tokens_per_minute,
        room: Arc::new(Semaphore::new(ANSWERS)),
    };
    let address = listen.unwrap_or(config.listen);
    let limits = config.limits;
    let health = match health_listen.or(config.health_listen) {
        Some(address) => {
            Some(answer_probes(async move { Server::of(address, limits, probes()).await }).await?)
        }
        None => None,
    };
    let server = Server::of(address, config.limits, routes(shared)).await?;
    tracing::info!(listen = %statsd.local_addr(), "statsd listens");
    if let Some(address) = health {
        tracing::info!(%address, "answers probes of health");
    }
    tracing::info!(address = %server.address()?, "listens");
    let patience = Duration::from_secs(config.limits.shutdown_seconds);
    tokio::spawn(follow(changes, config, newest, heard, is_insecure));
    server.serve(shutdown::asked().map(|()| Instant::now() + patience)).await;
    Ok(String::new())
}

/// The configuration in the file, if it may serve by it.
fn read(path: &Path, is_insecure: bool) -> Result<AggregatorConfig, String> {
    let config = AggregatorConfig::load(path, &Environment::Process).and_then(|config| {
        let mut problems = Problems::default();
        config.need_token(is_insecure, &mut problems);
        problems.or(config)
    });
    config.map_err(|problems| problems.to_string())
}

/// Takes another token and other services whenever the file says so. All else is as it was at the start: a statsd server that starts anew has
/// forgotten what it heard.
async fn follow(
    mut changes: Changes,
    started: AggregatorConfig,
    token: watch::Sender<Option<[u8; 32]>>,
    aggregator: Arc<Aggregator>,
    is_insecure: bool,
) {
    let mut services = started.statsd.services.clone();
    loop {
        changes.next().await;
        let path = changes.path().to_owned();
        let file = path.display().to_string();
        match tokio::task::spawn_blocking(move || read(&path, is_insecure)).await {
            Ok(Ok(config)) => {
                token.send_replace(config.token);
                if config.statsd.services != services && !config.statsd.services.is_empty() {
                    services.clone_from(&config.statsd.services);
                    aggregator.serve(&services);
                    tracing::info!(file, services = services.len(), "other services have room now");
                }
                tracing::info!(
                    file,
                    "the token was read anew; all else but services is read at the start alone"
                );
                let statsd = StatsdConfig { services: started.statsd.services.clone(), ..config.statsd };
                let is_same = AggregatorConfig { token: started.token, statsd, ..config } == started;
                if !is_same {
                    tracing::warn!(file, "what changed beside the token and services holds after a restart");
                }
            }
            Ok(Err(why)) => {
                tracing::error!(file, "the configuration is wrong, the token before stays: {why}");
            }
            Err(error) => tracing::error!(file, %error, "the configuration cannot be read"),
        }
    }
}

/// Always ready: the HTTP server starts after the statsd server has opened its sockets.
fn probes() -> Router {
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(async || "ok\n"))
}

fn routes(shared: Shared) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route(otlp::PATH, post(take))
        .fallback(get(answer))
        .with_state(shared)
}

/// What OpenTelemetry sends.
async fn take(
    State(shared): State<Shared>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if let Some(Refusal { status, headers: more, why }) = refusal(&shared, peer, &headers) {
        let mut answer = otlp::refused(status, &headers, why);
        answer.headers_mut().extend(more);
        return answer;
    }
    match &shared.otlp {
        Some(otlp) => otlp.answer(peer, &headers, body).await,
        None => {
            let why = "OTLP is not taken here: the configuration needs aggregator.statsd.otlp";
            otlp::refused(StatusCode::NOT_FOUND, &headers, why)
        }
    }
}

async fn answer(
    State(shared): State<Shared>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if let Some(Refusal { status, headers, why }) = refusal(&shared, peer, &headers) {
        return (status, headers, Json(json!({"version": 1, "error": why}))).into_response();
    }
    if uri.path() == "/metrics" {
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        return ([(CONTENT_TYPE, kind)], numbers(&shared.aggregator.stats())).into_response();
    }
    // It is never closed.
    let _room = shared.room.acquire().await;
    let reply = shared.endpoint.answer(uri.path(), &query.unwrap_or_default()).await;
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(CONTENT_TYPE, "application/json")], reply.body).into_response()
}

/// Why a request is not answered.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    headers: HeaderMap,
    why: &'static str,
}

/// What to answer to who has not got the token; who has sent too many wrong ones is to wait.
fn refusal(shared: &Shared, peer: Peer, headers: &HeaderMap) -> Option<Refusal> {
    let token = (*shared.token.borrow())?;
    let of = |status, name: HeaderName, value: HeaderValue, why| {
        Some(Refusal { status, headers: HeaderMap::from_iter([(name, value)]), why })
    };
    let given = headers.get(AUTHORIZATION).and_then(|given| given.to_str().ok()).and_then(|given| {
        let (scheme, secret) = given.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| hash_of(secret.trim()))
    });
    let is_known = given.is_some_and(|given| bool::from(given.ct_eq(&token)));
    if headers.contains_key(AUTHORIZATION) {
        let asked = shared.guesses.may_ask(peer, is_known.then_some(token), shared.wrong_tokens_per_minute);
        if let Err(wait) = asked {
            let why = "too many bearer tokens from this address were not known";
            return of(StatusCode::TOO_MANY_REQUESTS, RETRY_AFTER, (wait.as_secs() + 1).into(), why);
        }
    }
    if is_known {
        return None;
    }
    if let Some(left_out) = shared.guesses.seldom().now() {
        tracing::warn!(%peer, left_out, "request without the token");
    }
    let realm = HeaderValue::from_static("Bearer realm=\"statsd\"");
    let why = "this bearer token is not known, or none was given";
    of(StatusCode::UNAUTHORIZED, WWW_AUTHENTICATE, realm, why)
}
