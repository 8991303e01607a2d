//! Finishes what another process began: where the cluster has all that was to be applied, only the wait for the pods
//! and what comes after it are left.

use futures_util::StreamExt;
use futures_util::future::{join_all, try_join_all};
use nprt_core::Result;
use nprt_core::model::{Object, ObjectId};
use nprt_core::ports::{Applied, Change, RolloutPhase};
use nprt_manifest::parts::Run;

use crate::apply::applier::{WORKLOADS, order};
use crate::apply::jobs;
use crate::context::Context;
use crate::news::about::Finished;
use crate::plan::planned::Plan;
use crate::plan::spent::when;
use crate::rules::allowed;
use crate::undo::left_over;
use crate::undo::log::UndoLog;
use crate::undo::record::Record;
use crate::wait::rollout;

/// How long pods that are not ready yet are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Not at all: then it is undone.
    None,
    /// As long as a rollout may take.
    Rollout,
}

/// Finishes what `record` tells of; `None` where that cannot be, because something of it was not applied, was
/// changed since or is not ready, or the service may not bring it any more.
///
/// # Errors
/// `RolloutFailed`, with the workload or Job; `Cancelled` where this process is about to end; those of the cluster.
pub(crate) async fn finish(
    undo: &UndoLog<'_>,
    record: &Record,
    patience: Patience,
) -> Result<Option<Finished>> {
    let Some(intent) = &record.intent else { return Ok(None) };
    let (objects, routes) = (intent.objects()?, intent.routes()?);
    for id in objects.iter().chain(&routes).map(Object::id) {
        if let Err(error) = allowed::check_named(undo.to.cx, &id) {
            undo.to.cx.progress.warn(format!("{id} cannot be finished: {error}"));
            return Ok(None);
        }
    }
    let Some(plan) = as_planned(undo.to.cx, objects).await? else { return Ok(None) };
    let workloads: Vec<ObjectId> =
        plan.objects.iter().filter(|object| when(object).is_none()).map(Object::id).collect();
    let jobs = plan.objects.iter().filter(|object| when(object) == Some(Run::After)).map(Object::id);
    match patience {
        Patience::None
            if !are_complete(undo.to.cx, workloads.iter().cloned().chain(jobs).collect()).await? =>
        {
            return Ok(None);
        }
        Patience::None => {}
        Patience::Rollout => {
            undo.to.cx.progress.warn(format!("finishing {}, which was interrupted", record.describe()));
            let rest = async {
                rollout::roll_out(undo.to.cx, workloads.iter()).await?;
                jobs::run_jobs(&undo.to, &plan, Run::After).await
            };
            undo.to.cx.unless_stopped(rest).await?;
        }
    }
    for route in &routes {
        undo.to.apply_one(route).await?;
    }
    undo.forget(&record.parts).await?;
    let by = intent.caller()?;
    left_over::end_promoted(&undo.to, &by).await?;
    let (task, tag, revision) = (intent.task, intent.tag.clone(), record.to.parse().ok());
    Ok(Some(Finished { task, tag, revision, by }))
}

/// What is left to do, where the cluster has all that comes before it. That a Job ran before the workloads shows
/// in what is applied after it; where nothing is, it must have succeeded itself.
async fn as_planned(cx: &Context<'_>, objects: Vec<Object>) -> Result<Option<Plan>> {
    let (before, objects): (Vec<Object>, Vec<Object>) =
        objects.into_iter().partition(|object| when(object) == Some(Run::Before));
    let is_later = |object: &Object| when(object).is_none() && order(object) >= WORKLOADS;
    if !objects.iter().any(is_later) {
        let before = before.iter().map(Object::id).collect();
        if !are_complete(cx, before).await? {
            return Ok(None);
        }
    }
    let asked = objects.iter().map(|object| cx.again(|| cx.ports.cluster.dry_run(object)));
    let mut foreseen = Vec::new();
    for (answer, object) in join_all(asked).await.into_iter().zip(&objects) {
        let applied: Applied = match answer {
            Ok(applied) => applied,
            Err(error) if error.retry() == nprt_core::Retry::Permanent => {
                cx.progress.warn(format!("{} cannot be finished: {error}", object.id()));
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if let Err(error) = allowed::check_would_be(cx, &applied) {
            cx.progress.warn(format!("{} cannot be finished: {error}", object.id()));
            return Ok(None);
        }
        if applied.change != Change::Unchanged && when(object).is_none() {
            cx.progress.warn(format!("{} differs from what was to be applied", object.id()));
            return Ok(None);
        }
        foreseen.push(applied);
    }
    Ok(Some(Plan { objects, foreseen, ..Plan::default() }))
}

/// Whether the pods of all of them are ready, and Jobs have succeeded, at this moment.
async fn are_complete(cx: &Context<'_>, ids: Vec<ObjectId>) -> Result<bool> {
    let asked = ids.iter().filter(|id| id.group() == "apps" || id.group() == "batch").map(async |id| {
        let first = || async { cx.ports.cluster.watch_rollout(id).next().await.transpose() };
        match cx.again(first).await {
            Ok(status) => Ok(status.is_some_and(|status| status.phase == RolloutPhase::Complete)),
            Err(error) if error.is_not_found() => Ok(false),
            // It has no rollout.
            Err(error) if error.is_invalid() => Ok(true),
            Err(error) => Err(error),
        }
    });
    Ok(try_join_all(asked).await?.into_iter().all(|is_complete| is_complete))
}
