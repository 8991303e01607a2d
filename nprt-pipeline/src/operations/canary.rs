use futures_util::FutureExt;
use futures_util::future::join;
use nprt_core::model::{ServiceName, Track};
use nprt_core::ports::{Lease, Occasion, Task};
use nprt_core::{Error, Result};
use nprt_manifest::Version;

use crate::apply::removal::Removal;
use crate::apply::{older, removal, routes_back};
use crate::operation::Operation;
use crate::operations::make_stable;
use crate::outcome::{AppliedObject, Deployment};
use crate::pipeline::Pipeline;
use crate::plan::beside::Planned;
use crate::plan::planned::Plan;
use crate::plan::{beside, orphans, promotion, routes, stable};
use crate::progress::Progress;
use crate::request::Request;
use crate::state::marked::HeldByFinalizers;
use crate::state::snapshot::Snapshot;
use crate::undo::log::UndoLog;
use crate::undo::secrets::Parts;
use crate::undo::{left_over, settle};
use crate::version::{branch, source};
use crate::wait::{pods, rollout};

/// A canary to start.
pub(crate) struct Trial {
    pub(crate) version: Version,
    pub(crate) live: Snapshot,
    pub(crate) plan: Plan,
    /// The routes by which it gets requests, once it runs.
    pub(crate) routes: Plan,
    /// It runs already, and its trial goes on.
    pub(crate) is_there: bool,
}

impl Pipeline {
    /// Starts a version as a canary beside stable.
    ///
    /// Everything is checked before anything changes, as by [`Pipeline::deploy`]. There is one canary at most: one
    /// of another version is removed first, and this one starts when its pods are gone. Asked again for the same
    /// version, nothing restarts and its trial goes on, until it
    /// [expires](crate::PipelineSettings::canary_seconds): then it is started anew. A canary that
    /// cannot be applied as a whole, or whose pods do not become ready, is removed.
    /// [Jobs](nprt_core::model::annotation::RUN) wait for the promotion.
    ///
    /// Where the settings give it [traffic](nprt_manifest::Traffic), routes send to it once its pods are ready.
    ///
    /// # Errors
    /// `Conflict` where no stable version runs, this one is stable already, or a route that is to send to it has
    /// rules of somebody else's, with what to do; else as [`Pipeline::deploy`].
    pub async fn canary(
        &self,
        service: &ServiceName,
        request: &Request,
        progress: &Progress,
    ) -> Result<Deployment> {
        let op = self.operation(service, progress)?;
        op.change(Task::Canary, Occasion::CanaryStarted, request, |lease| canary(&op, lease, request)).await
    }
}

async fn canary(op: &Operation<'_>, lease: Lease, request: &Request) -> Result<Deployment> {
    let to = op.applier(&lease);
    let undo = op.undo_log(&lease);
    settle::settle_before(&undo, request).await?;
    let mut trial = op.cx.unless_stopped(Box::pin(plan_canary(op, request))).await?;
    if trial.is_there && left_over::remove_left_over(&to, &trial.live).await?.is_some() {
        trial = op.cx.unless_stopped(Box::pin(plan_canary(op, request))).await?;
    }
    let Trial { version, live, mut plan, routes, is_there } = trial;
    let older = op.cx.unless_stopped(older::remove_older(&to, &live, &plan.older)).await?;
    let mut gone = Removal::default();
    if !is_there {
        gone = make_stable::make_way(op, &lease, &live, &request.caller).await?;
        plan.refuse_held(&gone.held)?;
        op.cx.unless_stopped(pods::wait_for_the_end_of_pods(&op.cx)).await?;
        plan.mark(&beside::trial_from_now(&op.cx))?;
    }
    let recorded = undo.record_start((&plan, &routes), &live, &version, &request.caller).await?;
    let mut noted = Vec::new();
    let started = start(&undo, &plan, &routes, &recorded, &mut noted);
    let applied = match op.cx.unless_stopped(started).await {
        Ok(applied) => applied,
        Err(error) => return Err(remove_failed(&undo, error, &recorded).await),
    };
    let Version { service, revision, tag, .. } = version;
    plan.warnings.extend(noted.into_iter().chain(gone.warnings));
    gone.removed.splice(0..0, older);
    let (track, removed, pruned) = (Track::Canary, gone.removed, Vec::new());
    let (withheld, warnings) = (plan.withheld, plan.warnings);
    Ok(Deployment { service, track, revision, tag, applied, removed, pruned, withheld, warnings })
}

/// What starting the canary does. What its promotion would do is accepted by the cluster first: a canary that
/// cannot be promoted is refused before a pod starts, with the error that the promotion would give.
pub(crate) async fn plan_canary(op: &Operation<'_>, request: &Request) -> Result<Trial> {
    let (revision, live) =
        join(source::resolve(&op.cx, &request.version), op.witness.look_around(&op.cx)).await;
    let (revision, live) = (revision?, live?);
    beside::refuse_stable(&op.cx, &live, &revision)?;
    let mixed = live.mixed();
    if let Some(warning) = &mixed {
        op.cx.progress.warn(warning);
    }
    let source = source::read(&op.cx, revision).await?;
    let running = live.tag_of(&source.revision);
    let version =
        source::version(&op.cx, &source, &request.version, running, branch::limits(&op.cx, request)).await?;
    if op.cx.service.transform.canary.traffic.is_some() {
        routes_back::refuse_held_routes(&op.cx, &live).await?;
    }
    let promotion = Box::pin(promotion::promotion(&op.cx, &source, &version, &live, &request.caller)).await?;
    promotion.stable_beside(&live)?;
    let Planned { mut plan, routes, is_there } =
        beside::plan_beside(&op.cx, &source, &version, &live, &promotion, request).boxed().await?;
    if op.cx.service.prune {
        plan.withheld.extend(orphans::orphans(&op.cx, &live, &source.manifests));
    }
    plan.warnings.extend(mixed);
    stable::warn_of_strangers(&op.cx, &mut plan, &live, &source);
    routes::refuse_taken_services(&plan, &live)?;
    if !is_there {
        plan = plan.anew();
    }
    let routes = routes::plan_routes(&op.cx, &routes).await?;
    Ok(Trial { version, live, plan, routes, is_there })
}

/// Requests come by the routes once there are pods to answer them.
async fn start(
    undo: &UndoLog<'_>,
    plan: &Plan,
    routes: &Plan,
    recorded: &Parts,
    noted: &mut Vec<String>,
) -> Result<Vec<AppliedObject>> {
    let mut applied = undo.to.apply(plan.steps()).await?;
    noted.extend(rollout::roll_out(undo.to.cx, applied.iter().map(|applied| &applied.object)).await?);
    // Those of a canary before may have been put back since the dry run.
    for route in &routes.objects {
        applied.push(undo.to.apply_one(route).await?);
    }
    if !recorded.is_empty() {
        undo.forget(recorded).await?;
    }
    Ok(applied)
}

/// Removes a canary that could not be started, and answers with why it could not.
async fn remove_failed(undo: &UndoLog<'_>, why: Error, recorded: &Parts) -> Error {
    let remove = async {
        let gone = removal::remove_canary(&undo.to, &undo.to.witness.look(undo.to.cx).await?).await?;
        if !recorded.is_empty() {
            undo.forget(recorded).await?;
        }
        Ok(gone)
    };
    match remove.await {
        Ok(gone) if gone.held.is_empty() => why,
        Ok(gone) => why
            .with("stays", gone.held.iter().map(HeldByFinalizers::to_string).collect::<Vec<_>>().join("; ")),
        Err(error) => {
            let error: Error = error;
            undo.to.cx.progress.warn(format!("the canary is still there: {error}"));
            why
        }
    }
}
