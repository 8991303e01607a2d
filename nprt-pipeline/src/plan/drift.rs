//! What others have set on stable, and a canary does not have: what was judged is what gets promoted.

use nprt_core::model::{Object, Track, annotation};
use nprt_core::ports::Change;
use nprt_core::{Error, ErrorKind, Result};
use nprt_manifest::Drift;

use crate::context::Context;
use crate::plan::planned;
use crate::plan::planned::{Plan, annotate};
use crate::service::DriftPolicy;
use crate::state::running::drift_said;
use crate::state::snapshot::Snapshot;

/// What a person reads of drift.
pub(crate) fn texts(drift: &[Drift]) -> Vec<String> {
    drift.iter().map(ToString::to_string).collect()
}

/// The drift between what `promotion` makes and the `canary`'s objects.
pub(crate) fn drift(cx: &Context<'_>, promotion: &Plan, canary: &[Object]) -> Result<Vec<Drift>> {
    nprt_manifest::drift(&promotion.becomes(), canary, &cx.service.transform)
}

/// Checks at a promotion that what was judged is what gets promoted: others may have changed stable since the
/// canary started.
///
/// # Errors
/// `Rejected` with the fields, where the service refuses drift.
pub(crate) fn check_promoted(cx: &Context<'_>, plan: &mut Plan, live: &Snapshot) -> Result<()> {
    let canary: Vec<Object> = live.on(Track::Canary).cloned().collect();
    let drift = texts(&drift(cx, plan, &canary)?);
    if drift.is_empty() {
        return Ok(());
    }
    if cx.service.drift == DriftPolicy::Refuse {
        return Err(refused("the promotion would differ from the canary that was judged", &drift));
    }
    planned::warn(
        cx,
        plan,
        format!("the canary that was judged did not have what others set on stable: {}", drift.join(", ")),
    );
    Ok(())
}

/// Drift that the service's settings refuse.
pub(crate) fn refused(message: &str, drift: &[String]) -> Error {
    Error::new(ErrorKind::Rejected, "pipeline.drift", format!("{message}: others have set fields on stable"))
        .with("fields", drift.join(", "))
        .with("help", "add the fields to the manifests, remove them from stable, or set `drift` of the service to `warn` or `carry`")
}

/// Writes the drift on the canary's workloads, where status, verdict and report find it.
pub(crate) fn mark(plan: &mut Plan, drift: &[String]) -> Result<()> {
    let text = serde_json::json!(drift).to_string();
    for (object, foreseen) in plan.objects.iter_mut().zip(&mut plan.foreseen) {
        let is_trial = object.annotation(annotation::STARTED).is_some();
        if !is_trial || drift_said(object) == drift {
            continue;
        }
        annotate(object, [(annotation::DRIFT, text.clone())].into_iter())?;
        if foreseen.change == Change::Unchanged {
            foreseen.change = Change::Configured;
        }
    }
    Ok(())
}
