//! The routes, as the package's README lists them.

mod accept;
mod answer;
mod answered;
mod asked;
mod auth;
mod change;
mod guesses;
mod head;
mod hold;
pub(crate) mod hooks;
mod host;
mod middleware;
mod origin;
mod pace;
mod page;
pub(crate) mod params;
mod peer;
mod preview;
mod problem;
mod read;
mod room;
mod seldom;
mod server;
mod show;
mod state;
mod summary;
mod tags;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post, put};
use nprt::ErrorKind;
use problem::Problem;
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;

pub(crate) use guesses::Guesses;
pub(crate) use peer::Peer;
pub(crate) use server::Server;

/// What probes of health need, and nothing else.
pub(crate) fn health(app: App) -> Router {
    Router::new()
        .route("/healthz", get(state::healthz))
        .route("/readyz", get(state::readyz))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .with_state(app)
}

async fn no_route(address: Uri) -> Problem {
    let detail = match address.path() {
        path if path.len() > 1 && path.ends_with('/') => "no such path: leave out the slash at its end",
        _ => "no such path",
    };
    Problem::new(StatusCode::NOT_FOUND, ErrorKind::NotFound, detail)
}

async fn no_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, ErrorKind::Unsupported, "method not allowed")
}

/// All routes.
pub(crate) fn router(app: App) -> Router {
    let services = Router::new()
        .route("/", get(read::index))
        .route("/{service}", get(show::service))
        .route("/{service}/tags", get(tags::tags))
        .route("/{service}/status", get(show::status))
        .route("/{service}/deploy", put(change::deploy).post(change::deploy))
        .route("/{service}/canary", get(show::canary).put(change::canary).post(change::canary))
        .route("/{service}/promote", put(change::promote))
        .route("/{service}/rollback", put(change::rollback))
        .route("/{service}/hold", put(hold::hold))
        .route("/{service}/resume", put(hold::resume))
        .route("/{service}/hooks/alertmanager", post(hooks::alertmanager))
        .route("/{service}/hooks/datadog", post(hooks::datadog))
        .layer(from_fn_with_state(app.clone(), middleware::refuse_at_the_end));
    Router::new()
        .route("/version", get(state::version))
        .route("/healthz", get(state::healthz))
        .route("/readyz", get(state::readyz))
        .route("/metrics", get(state::metrics))
        .route("/openapi.json", get(state::openapi))
        .merge(services)
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(from_fn_with_state(app.clone(), origin::refuse_elsewhere))
        .layer(from_fn(middleware::vary))
        .layer(from_fn_with_state(app.clone(), middleware::count))
        .layer(CatchPanicLayer::custom(middleware::panicked))
        .with_state(app)
}
