//! The routes, as the package's README lists them.

mod accept;
mod answer;
mod answered;
mod asked;
mod auth;
mod change;
mod hold;
mod hooks;
mod middleware;
mod pace;
mod page;
mod params;
mod preview;
mod problem;
mod read;
mod server;
mod show;
mod state;
mod summary;
mod tags;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post, put};
use nprt::ErrorKind;
use problem::Problem;
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;

pub(crate) use server::Server;

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
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, ErrorKind::NotFound, "no such route"))
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, ErrorKind::Unsupported, "not by this method")
        })
        .layer(from_fn(middleware::headers))
        .layer(from_fn_with_state(app.clone(), middleware::count))
        .layer(CatchPanicLayer::custom(middleware::panicked))
        .with_state(app)
}
