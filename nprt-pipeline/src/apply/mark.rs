//! Annotates live workloads: only our own fields, and no pod restarts.

use jiff::Timestamp;
use nprt_core::model::{Object, ServiceName, Track, annotation};
use nprt_core::{Error, ErrorKind, Result};
use serde::Serialize;
use serde_json::Value;

use crate::apply::applier::Applier;
use crate::context::Context;
use crate::plan::planned::annotate;
use crate::request::Caller;
use crate::state::running::Running;
use crate::state::snapshot::Snapshot;

/// A decision, as an annotation has it.
#[derive(Serialize)]
struct Decided<'a> {
    canary: String,
    by: &'a str,
    reason: &'a str,
    at: Timestamp,
}

/// Writes on stable's first workload that `canary` was rolled back, by whom and why. What cannot be written fails
/// nothing: the canary is gone.
pub(crate) async fn note_rollback(to: &Applier<'_>, canary: &Running, caller: &Caller) {
    let write = async {
        let Some(stable) = to.witness.subject.stable() else { return Ok(()) };
        let Some(mut owned) = to.cx.ports.cluster.owned(&stable).await? else { return Ok(()) };
        let text = decided(to.cx, canary, caller)?;
        annotate(&mut owned, [(annotation::ROLLED_BACK, text)].into_iter())?;
        to.cx.ports.cluster.apply(to.lease, &owned).await.map(drop)
    };
    if let Err(error) = write.await {
        to.cx.progress.warn(format!("that it was rolled back is not written on stable: {error}"));
    }
}

pub(crate) fn decided(cx: &Context<'_>, canary: &Running, caller: &Caller) -> Result<String> {
    let (by, reason, at) = (caller.name(), caller.reason(), cx.now());
    serde_json::to_string(&Decided { canary: canary.describe(), by, reason, at }).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "pipeline.decided", "cannot be written").with_source(error)
    })
}

/// Gives the canary's workloads this annotation, or takes it from them.
pub(crate) async fn mark_canary(to: &Applier<'_>, key: &'static str, value: Option<String>) -> Result<()> {
    let live = to.witness.look(to.cx).await?;
    the_canary(&live, &to.cx.service.name)?;
    let workloads = live.run_on(Track::Canary).filter(|o| o.annotation(annotation::STARTED).is_some());
    for workload in workloads {
        // Only our own fields: what others have set stays theirs.
        let Some(mut owned) = to.cx.ports.cluster.owned(&workload.id()).await? else { continue };
        match &value {
            Some(text) => annotate(&mut owned, [(key, text.clone())].into_iter())?,
            None => forget(&mut owned, key),
        }
        to.cx.again(|| to.cx.ports.cluster.apply(to.lease, &owned)).await?;
    }
    Ok(())
}

pub(crate) fn forget(object: &mut Object, key: &str) {
    let annotations =
        object.as_value_mut().pointer_mut("/metadata/annotations").and_then(Value::as_object_mut);
    if let Some(annotations) = annotations {
        annotations.remove(key);
    }
}

/// # Errors
/// `Conflict` where there is none.
pub(crate) fn the_canary(live: &Snapshot, service: &ServiceName) -> Result<Running> {
    live.running(Track::Canary).ok_or_else(|| {
        Error::new(ErrorKind::Conflict, "pipeline.hold", "there is no canary").with("service", service)
    })
}
