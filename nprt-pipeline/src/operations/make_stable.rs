//! Makes a version stable as planned: the end of a deploy and of a promotion.

use nprt_compare::report::EventKind;
use nprt_core::model::{Object, Track};
use nprt_core::ports::{Applied, Lease};
use nprt_core::{ErrorKind, Result};
use nprt_manifest::Version;
use nprt_manifest::parts::Run;

use crate::apply::applier::{WORKLOADS, order};
use crate::apply::past_canary::PastCanary;
use crate::apply::removal::Removal;
use crate::apply::{define, jobs, older, past_canary, prune, removal};
use crate::operation::Operation;
use crate::outcome::{AppliedObject, Deployment};
use crate::plan::definitions::is_definition;
use crate::plan::planned::Plan;
use crate::plan::spent::when;
use crate::request::Caller;
use crate::state::snapshot::Snapshot;
use crate::undo::log::UndoLog;
use crate::undo::secrets::Parts;
use crate::wait::{pods, rollout};

/// Makes `version` stable as planned, and removes the canary.
pub(crate) async fn make_stable(
    op: &Operation<'_>,
    lease: &Lease,
    mut plan: Plan,
    version: &Version,
    live: &Snapshot,
    caller: &Caller,
) -> Result<Deployment> {
    let to = op.applier(lease);
    let undo = op.undo_log(lease);
    let older = op.cx.unless_stopped(older::remove_older(&to, live, &plan.older)).await?;
    let mut gone = Removal::default();
    let is_canary = live.running(Track::Canary).is_some_and(|canary| canary.is(version));
    if !is_canary {
        gone = make_way(op, lease, live, caller).await?;
        // Also those of one that was rolled back a moment ago. What changes nothing starts nothing.
        let may_run = !gone.removed.is_empty()
            || !gone.held.is_empty()
            || live.may_have_canary_pods(&op.cx.service.name);
        if may_run && plan.changed().next().is_some() {
            op.cx.unless_stopped(wait_for_the_end_of_canary(op, &gone, &mut plan)).await?;
        }
    }
    let recorded = undo.record(&plan, live, version, caller).await?;
    let mut noted = Vec::new();
    let applied = match op.cx.unless_stopped(Box::pin(make_so(&undo, &plan, &recorded, &mut noted))).await {
        Ok(applied) => applied,
        Err(error) => return Err(undo.undo(error).await),
    };
    if is_canary {
        past_canary::keep_past(&to, PastCanary::of(live, op.cx.now(), EventKind::Promoted, caller)).await;
        gone = removal::remove_canary(&to, live).await?;
    }
    let Removal { mut removed, warnings, .. } = gone;
    plan.warnings.extend(noted.into_iter().chain(warnings));
    removed.splice(0..0, older);
    removed.extend(jobs::remove_spent(&to, live, &mut plan).await);
    let pruned = prune::prune(&to, &mut plan).await;
    Ok(Deployment {
        service: op.cx.service.name.clone(),
        track: Track::Stable,
        revision: version.revision.clone(),
        tag: version.tag.clone(),
        applied,
        removed,
        pruned,
        withheld: plan.withheld,
        warnings: plan.warnings,
    })
}

/// Waits for the end of the canary's pods. Where finalizers hold a workload of it, they may never end, and stable
/// must be able to change all the same.
pub(crate) async fn wait_for_the_end_of_canary(
    op: &Operation<'_>,
    gone: &Removal,
    plan: &mut Plan,
) -> Result<()> {
    match pods::wait_for_the_end_of_pods(&op.cx).await {
        Err(error) if error.kind() == ErrorKind::Timeout && !gone.held.is_empty() => {
            let warning = format!("continues while pods of the previous canary still run: {error}");
            op.cx.progress.warn(&warning);
            plan.warnings.push(warning);
            Ok(())
        }
        done => done,
    }
}

/// Removes the canary for another version's sake.
pub(crate) async fn make_way(
    op: &Operation<'_>,
    lease: &Lease,
    live: &Snapshot,
    caller: &Caller,
) -> Result<Removal> {
    let to = op.applier(lease);
    past_canary::keep_past(&to, PastCanary::of(live, op.cx.now(), EventKind::Replaced, caller)).await;
    let gone = removal::remove_canary(&to, live).await?;
    op.witness.about.replaced(live.running(Track::Canary));
    Ok(gone)
}

/// Applies the plan, runs its Jobs, waits for its pods, and then the way back is no longer needed. Notes what a
/// person should know of the rollouts.
pub(crate) async fn make_so(
    undo: &UndoLog<'_>,
    plan: &Plan,
    recorded: &Parts,
    noted: &mut Vec<String>,
) -> Result<Vec<AppliedObject>> {
    // What is run is none of the workloads.
    let mut applied = define::define(&undo.to, plan).await?;
    let is_left = |(object, _): &(&Object, &Applied)| {
        when(object).is_none() && (applied.is_empty() || !is_definition(object))
    };
    let objects = plan.steps().filter(is_left);
    let (first, then): (Vec<_>, Vec<_>) = objects.partition(|(object, _)| order(object) < WORKLOADS);
    applied.extend(undo.to.apply(first.into_iter()).await?);
    applied.extend(jobs::run_jobs(&undo.to, plan, Run::Before).await?);
    applied.extend(undo.to.apply(then.into_iter()).await?);
    noted.extend(rollout::roll_out(undo.to.cx, applied.iter().map(|applied| &applied.object)).await?);
    applied.extend(jobs::run_jobs(&undo.to, plan, Run::After).await?);
    if !recorded.is_empty() {
        undo.forget(recorded).await?;
    }
    Ok(applied)
}
