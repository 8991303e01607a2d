//! What is about the server itself.

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::asked::Asked;
use super::auth;
use super::problem::Problem;
use crate::app::App;

pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

const OPENAPI: &str = include_str!("openapi.json");

pub(crate) async fn version() -> Json<Value> {
    Json(json!({"name": "deployer", "version": VERSION}))
}

/// It runs.
pub(crate) async fn healthz() -> Json<Value> {
    Json(json!({"healthy": true}))
}

/// It takes requests: not any more once it is about to end.
pub(crate) async fn readyz(State(app): State<App>) -> Response {
    if app.tasks().is_closed() {
        return Problem::of_the_end().into_response();
    }
    Json(json!({"ready": true})).into_response()
}

pub(crate) async fn metrics(asked: Asked) -> Result<Response, Problem> {
    auth::allow_numbers(&asked.token)?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], asked.app.numbers().text()).into_response())
}

pub(crate) async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}
