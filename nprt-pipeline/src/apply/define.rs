//! Applies definitions of kinds, and has the cluster validate the objects that wait for them.

use std::time::Duration;

use futures_util::future::try_join_all;
use nprt_core::model::Object;
use nprt_core::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::apply::applier::Applier;
use crate::context::Context;
use crate::outcome::AppliedObject;
use crate::plan::definitions::is_definition;
use crate::plan::planned::Plan;

const OPERATION: &str = "pipeline.definitions";

/// The pause between two looks whether the kind is served.
const PAUSE: Duration = Duration::from_millis(250);

/// How long the cluster may take to serve a kind whose definition was applied.
const SERVED: Duration = Duration::from_secs(30);

/// How long it may go by a definition that was changed since.
const OUTDATED: Duration = Duration::from_secs(5);

/// Applies the plan's definitions of kinds, and has the cluster validate what waits for them. Where nothing does,
/// they are applied with everything else.
///
/// # Errors
/// `Rejected` by the cluster, and `Timeout` where it does not serve a kind in time. Beside the definitions,
/// nothing was changed.
pub(crate) async fn define(to: &Applier<'_>, plan: &Plan) -> Result<Vec<AppliedObject>> {
    let awaiting = plan.awaiting();
    if awaiting.is_empty() {
        return Ok(Vec::new());
    }
    let definitions = plan.steps().filter(|(object, _)| is_definition(object));
    let applied = to.apply(definitions).await?;
    try_join_all(awaiting.iter().map(|(object, definition)| validate(to.cx, object, definition))).await?;
    Ok(applied)
}

async fn validate(cx: &Context<'_>, object: &Object, definition: &Object) -> Result<()> {
    let began = cx.clock.elapsed();
    loop {
        let error = match cx.again(|| cx.ports.cluster.dry_run(object)).await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        let patience = match error.kind() {
            ErrorKind::Invalid => SERVED,
            ErrorKind::Rejected => OUTDATED,
            _ => return Err(error),
        };
        let waited = cx.clock.elapsed().saturating_sub(began);
        if waited < patience {
            cx.clock.sleep(PAUSE).await;
            continue;
        }
        if !error.is_invalid() {
            return Err(error);
        }
        let why = why_not_served(cx, definition).await;
        let message = "the cluster does not serve the kind, although its definition was applied";
        return Err(Error::new(ErrorKind::Timeout, OPERATION, message)
            .with_retry(nprt_core::Retry::Exhausted)
            .with("object", object.id())
            .with("definition", definition.id())
            .with("waited", format_args!("{} s", waited.as_secs()))
            .with("why", why));
    }
}

/// What the definition says of itself.
async fn why_not_served(cx: &Context<'_>, definition: &Object) -> String {
    let live = cx.ports.cluster.get(&definition.id()).await.ok().flatten();
    let conditions = live.as_ref().and_then(|live| live.as_value().pointer("/status/conditions"));
    let conditions = conditions.and_then(Value::as_array).into_iter().flatten();
    let bad = conditions.filter(|condition| condition["status"] == "False");
    let said: Vec<&str> = bad.filter_map(|condition| condition["message"].as_str()).collect();
    if said.is_empty() { "it does not say".to_owned() } else { said.join("; ") }
}
