//! What runs of all services.

use axum::Json;
use futures_util::future::join_all;
use nprt::model::ServiceName;
use serde_json::{Value, json};

use super::asked::Asked;
use super::problem::Problem;
use super::{auth, state};
use crate::compose::Told;
use crate::config::Action;

/// `GET /`: the services that the token has.
pub(crate) async fn index(asked: Asked) -> Result<Json<Value>, Problem> {
    auth::allow_any(&asked.token, &[Action::Read])?;
    asked.takes_json()?;
    let names = asked.composed.members.keys().filter(|name| asked.token.has_service(name));
    // One whose cluster does not answer hides no other.
    let services = join_all(names.map(|name| row(&asked, name))).await;
    Ok(Json(json!({"version": state::VERSION, "services": services})))
}

async fn row(asked: &Asked, name: &ServiceName) -> Value {
    let pipeline = asked.composed.pipeline(Told::Decisions);
    let status = async { Ok(pipeline.status(name).await?) };
    match asked.in_time(status).await {
        Ok(status) => {
            let canary = status.canary.as_ref();
            let judged = canary.and_then(|canary| asked.app.verdicts().of(name, canary));
            json!({
                "name": name,
                "stable": status.stable,
                "canary": canary,
                "operation": status.operation,
                "held": canary.is_some_and(|canary| canary.held.is_some()),
                "verdict": judged.map(|judged| judged.verdict.decision.as_str()),
                "report": canary.map(|_| format!("/{name}/canary")),
            })
        }
        Err(problem) => json!({
            "name": name, "stable": null, "canary": null, "operation": null, "held": false,
            "verdict": null, "report": null, "error": problem.detail(),
        }),
    }
}
