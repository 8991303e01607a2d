//! Hold and resume: whether the autopilot may decide on the canary.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use nprt::pipeline::Progress;
use serde_json::json;

use super::answer::answer;
use super::asked::Asked;
use super::params;
use super::problem::Problem;
use crate::config::Action;

const ACTIONS: [Action; 2] = [Action::Canary, Action::Deploy];

pub(crate) async fn hold(asked: Asked) -> Response {
    set(&asked, true).await.unwrap_or_else(IntoResponse::into_response)
}

pub(crate) async fn resume(asked: Asked) -> Response {
    set(&asked, false).await.unwrap_or_else(IntoResponse::into_response)
}

async fn set(asked: &Asked, is_held: bool) -> Result<Response, Problem> {
    let (service, _) = asked.service(&ACTIONS)?;
    let params = asked.params(params::DECIDE)?;
    let caller = asked.caller(&params.reason)?;
    let (composed, told, name) = (Arc::clone(&asked.composed), asked.told(params.notify), service.clone());
    let work = move |progress: Progress| async move {
        let pipeline = composed.pipeline(told);
        if is_held {
            let held = pipeline.hold(&name, &caller, &progress).await?;
            return Ok(json!({"service": name, "held": held}));
        }
        pipeline.resume(&name, &caller, &progress).await?;
        Ok(json!({"service": name, "held": null}))
    };
    Ok(answer(asked, if is_held { "hold" } else { "resume" }, false, &service, work).await)
}
