use nprt_core::model::{Object, Revision, ServiceName, Tag, Track, VersionRef};
use nprt_core::ports::{Lease, Occasion, Takeover, Task};
use nprt_core::{Error, ErrorKind, Result};

use crate::context::Context;
use crate::operation::{Operation, purpose};
use crate::operations::make_stable;
use crate::outcome::Deployment;
use crate::phase::operation;
use crate::pipeline::Pipeline;
use crate::plan::promotion;
use crate::progress::Progress;
use crate::request::{Caller, Request};
use crate::state::running::{Running, not_expired};
use crate::state::snapshot::Snapshot;
use crate::undo::settle;
use crate::undo::settle::Goal;
use crate::version::{branch, source};
use crate::wait::rollout;

impl Pipeline {
    /// Makes the canary's version stable, by the tag that was on trial, and then removes the canary. Only
    /// while the canary of that very version lives: one that was rolled back is not promoted. A canary whose
    /// pods are not all ready is waited for before stable changes, and one that fails is not promoted.
    /// [Jobs](nprt_core::model::annotation::RUN) run now, as by [`Pipeline::deploy`].
    ///
    /// # Errors
    /// `Conflict`, saying what there is, when the canary is gone, of another version or past its time; `RolloutFailed` with
    /// the canary's workload when it does not become ready; else as [`Pipeline::deploy`].
    pub async fn promote(
        &self,
        service: &ServiceName,
        request: &Request,
        progress: &Progress,
    ) -> Result<Deployment> {
        let op = self.operation(service, progress)?;
        op.change(Task::Promotion, Occasion::Promoted, request, |lease| promote(&op, lease, request)).await
    }

    /// Promotes `canary`, as [`Pipeline::status`] has shown it, if it is still that one, of this version and started
    /// then, and nobody [holds](Pipeline::hold) it. `None` where that is not so, which changes nothing. That is for
    /// those who have judged a canary and decide by themselves: it is asked under the service's lease, so that no
    /// hold can come between. A person's [`Pipeline::promote`] promotes a held one. That it failed is told once for
    /// each canary, however often it is tried.
    ///
    /// # Errors
    /// `Invalid` for a canary without revision or tag; else as [`Pipeline::promote`].
    pub async fn promote_if(
        &self,
        service: &ServiceName,
        canary: &Running,
        caller: &Caller,
        progress: &Progress,
    ) -> Result<Option<Deployment>> {
        let op = self.operation(service, progress)?;
        let (Some(revision), Some(tag)) = (&canary.revision, &canary.tag) else {
            let message = "expected a canary that says its revision and its tag";
            return Err(Error::invalid("pipeline.promote", message).with("service", service));
        };
        let version = VersionRef::new(Some(&revision.to_string()), Some(tag.as_str()))?;
        let request = Request::new(version, caller.clone());
        let purpose = purpose(Task::Promotion, &request);
        let whole = async {
            let work = |lease| promote_if(&op, lease, canary, &request);
            let done = op.hold(purpose.clone(), Takeover::WhenExpired, None, work).await?.transpose();
            op.news().report_finished().await;
            match &done {
                None => {}
                // That it was refused is news, too: nobody asked.
                Some(Err(error)) if !error.is_cancelled() => {
                    op.news().tell_failure_once(Occasion::Promoted, &purpose, error, caller).await;
                }
                Some(done) => op.news().report(Occasion::Promoted, done, &purpose, caller).await,
            }
            done.transpose()
        };
        operation("promotion", service, whole).await
    }
}

async fn promote_if(
    op: &Operation<'_>,
    lease: Lease,
    canary: &Running,
    request: &Request,
) -> Result<Option<Deployment>> {
    let now = op.witness.look(&op.cx).await?.running(Track::Canary);
    if !now.is_some_and(|now| now.held.is_none() && now.is_same_trial(canary)) {
        return Ok(None);
    }
    promote(op, lease, request).await.map(Some)
}

async fn promote(op: &Operation<'_>, lease: Lease, request: &Request) -> Result<Deployment> {
    let undo = op.undo_log(&lease);
    let revision = source::resolve(&op.cx, &request.version).await;
    settle::settle(&undo, revision.as_ref().map_or(Goal::Other, Goal::Promotion)).await?;
    let revision = revision?;
    // A rollback takes the lease: from here on the canary is either there or this is cancelled.
    let live = op.witness.look_around(&op.cx).await?;
    let tag = tag_on_trial(&op.cx, &live, &revision, request)?;
    let canary: Vec<_> = live.on(Track::Canary).map(Object::id).collect();
    let noted = op.cx.unless_stopped(rollout::roll_out(&op.cx, canary.iter())).await?;
    let source = source::read(&op.cx, revision).await?;
    let version =
        source::version(&op.cx, &source, &tag.into(), None, branch::limits(&op.cx, request)).await?;
    let mut plan =
        Box::pin(promotion::plan_promotion(&op.cx, &source, &version, &live, &request.caller)).await?;
    plan.warnings.extend(noted);
    Box::pin(make_stable::make_stable(op, &lease, plan, &version, &live, &request.caller)).await
}

/// The tag of the canary, whose time is not over, and which must be of `revision` (and the tag that was asked for,
/// if one was), and of a branch that may be deployed.
pub(crate) fn tag_on_trial(
    cx: &Context<'_>,
    live: &Snapshot,
    revision: &Revision,
    request: &Request,
) -> Result<Tag> {
    if let Some(canary) = live.running(Track::Canary) {
        not_expired(&canary, cx.now(), "pipeline.promote")?;
    }
    let tag = canary_tag(live, revision, request.version.tag())?;
    branch::limits(cx, request).check(&tag)?;
    Ok(tag)
}

fn canary_tag(live: &Snapshot, revision: &Revision, tag: Option<&Tag>) -> Result<Tag> {
    let conflict = |message: &str| {
        let stable = live.running(Track::Stable);
        Error::new(ErrorKind::Conflict, "pipeline.promote", message)
            .with("asked", revision)
            .with("stable", stable.as_ref().map_or_else(|| "nothing".to_owned(), Running::describe))
    };
    let Some(canary) = live.running(Track::Canary) else {
        return Err(conflict("there is no canary: it was rolled back, or never started"));
    };
    match &canary.tag {
        Some(running)
            if canary.revision.as_ref() == Some(revision) && tag.is_none_or(|tag| tag == running) =>
        {
            Ok(running.clone())
        }
        _ => Err(conflict("the canary is of another version").with("canary", canary.describe())),
    }
}
