//! Kubernetes' Jobs that a version runs beside its workloads, such as migrations of a database.

use futures_util::StreamExt;
use nprt_core::Result;
use nprt_core::model::ObjectId;
use nprt_core::ports::{Change, Deletion, RolloutPhase};
use nprt_manifest::parts::Run;

use crate::apply::applier::{Applier, Deleted};
use crate::context::Context;
use crate::outcome::AppliedObject;
use crate::plan::planned::Plan;
use crate::plan::spent::when;
use crate::progress::Event;
use crate::state::marked::HeldByFinalizers;
use crate::state::snapshot::Snapshot;
use crate::wait::rollout;

/// Runs the plan's Jobs of `moment`, one after another in the order of the manifests, and waits for each. One
/// that has succeeded before does not run again, one that runs already is waited for, and one that failed
/// is made anew.
///
/// # Errors
/// `RolloutFailed`, with the first Job that fails or takes too long; those of the cluster.
pub(crate) async fn run_jobs(to: &Applier<'_>, plan: &Plan, moment: Run) -> Result<Vec<AppliedObject>> {
    let mut applied = Vec::new();
    for (object, foreseen) in plan.steps() {
        if when(object) != Some(moment) {
            continue;
        }
        let id = object.id();
        let is_there = foreseen.change != Change::Created;
        if is_there && has_failed(to.cx, &id).await? {
            to.cx.progress.warn(format!("{id} failed before, and runs anew"));
            let done = to.cx.again(|| to.cx.ports.cluster.delete(to.lease, &id)).await?;
            if let Deletion::Held(finalizers) = done {
                return Err(HeldByFinalizers { object: id, finalizers }.refuse());
            }
        }
        applied.push(to.apply_one(object).await?);
        rollout::follow(to.cx, &id).await?;
    }
    Ok(applied)
}

async fn has_failed(cx: &Context<'_>, job: &ObjectId) -> Result<bool> {
    let first = || async { cx.ports.cluster.watch_rollout(job).next().await.transpose() };
    let status = cx.again(first).await?;
    Ok(status.is_some_and(|status| status.phase == RolloutPhase::Failed))
}

/// Removes the plan's spent Jobs, and answers with what is gone. What cannot be removed becomes a warning of
/// the plan.
pub(crate) async fn remove_spent(to: &Applier<'_>, live: &Snapshot, plan: &mut Plan) -> Vec<ObjectId> {
    let objects = live.objects.iter().filter(|object| plan.spent.contains(&object.id())).collect();
    let (Deleted { gone, held }, done) = to.delete(objects, |object| Event::Removed { object }).await;
    plan.warnings.extend(held.iter().map(HeldByFinalizers::to_string));
    if let Err(error) = done {
        let warning = format!("a Job of an earlier version stays, until the next deploy: {error}");
        to.cx.progress.warn(&warning);
        plan.warnings.push(warning);
    }
    gone
}
