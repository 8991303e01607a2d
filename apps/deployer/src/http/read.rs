//! What runs of all services.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use futures_util::future::join_all;
use nprt::model::ServiceName;
use nprt::pipeline::{Judgement, Status};
use serde_json::{Value, json};

use super::accept::Form;
use super::asked::Asked;
use super::problem::Problem;
use super::{auth, page, state};
use crate::compose::Told;
use crate::config::Action;

/// What is known of a service.
pub(crate) struct Row<'a> {
    pub(crate) name: &'a ServiceName,
    pub(crate) status: Result<Status, Problem>,
    /// The last verdict on the canary that runs.
    pub(crate) judged: Option<Arc<Judgement>>,
}

/// `GET /`: the services that the token has.
pub(crate) async fn index(asked: Asked) -> Result<Response, Problem> {
    auth::allow_any(&asked.token, &[Action::Read])?;
    let form = asked.form(&[Form::Json, Form::Html])?;
    let names = asked.composed.members.keys().filter(|name| asked.token.has_service(name));
    // One whose cluster does not answer hides no other.
    let rows = join_all(names.map(|name| row(&asked, name))).await;
    if form == Form::Html {
        return Ok(page::index(&asked, &rows));
    }
    let services: Vec<Value> = rows.iter().map(value).collect();
    Ok(Json(json!({"version": state::VERSION, "services": services})).into_response())
}

async fn row<'a>(asked: &Asked, name: &'a ServiceName) -> Row<'a> {
    let pipeline = asked.composed.pipeline(Told::Decisions);
    let status = asked.in_time(async { Ok(pipeline.status(name).await?) }).await;
    let canary = status.as_ref().ok().and_then(|status| status.canary.as_ref());
    let judged = canary.and_then(|canary| asked.app.verdicts().of(name, canary));
    Row { name, status, judged }
}

fn value(row: &Row<'_>) -> Value {
    let Row { name, status, judged } = row;
    match status {
        Ok(status) => {
            let canary = status.canary.as_ref();
            json!({
                "name": name,
                "stable": status.stable,
                "canary": canary,
                "operation": status.operation,
                "under_way": status.under_way,
                "held": canary.is_some_and(|canary| canary.held.is_some()),
                "verdict": judged.as_ref().map(|judged| judged.verdict.decision.as_str()),
                "report": canary.map(|_| format!("/{name}/canary")),
            })
        }
        Err(problem) => json!({
            "name": name, "stable": null, "canary": null, "operation": null, "under_way": null, "held": false,
            "verdict": null, "report": null, "error": problem.detail(),
        }),
    }
}
