use nprt_core::model::{Object, Revision, ServiceName, Tag, Track, VersionRef};
use nprt_core::ports::{Lease, Occasion, Takeover, Task};
use nprt_core::{Error, ErrorKind, Result};

use super::Pipeline;
use super::expire::not_expired;
use super::job::Job;
use super::live::{Live, Running};
use super::notify::purpose;
use super::phase::operation;
use super::progress::Progress;
use super::request::{Caller, Deployment, Request};
use super::undo::Goal;

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
        let job = self.job(service, progress)?;
        job.change(Task::Promotion, Occasion::Promoted, request, |lease| job.promote(lease, request)).await
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
        let job = self.job(service, progress)?;
        let (Some(revision), Some(tag)) = (&canary.revision, &canary.tag) else {
            let message = "expected a canary that says its revision and its tag";
            return Err(Error::invalid("pipeline.promote", message).with("service", service));
        };
        let version = VersionRef::new(Some(&revision.to_string()), Some(tag.as_str()))?;
        let request = Request::new(version, caller.clone());
        let purpose = purpose(Task::Promotion, &request);
        let whole = async {
            let work = |lease| job.promote_if(lease, canary, &request);
            let done = job.hold(purpose.clone(), Takeover::WhenExpired, None, work).await?.transpose();
            job.report_finished().await;
            match &done {
                None => {}
                // That it was refused is news, too: nobody asked.
                Some(Err(error)) if !error.is_cancelled() => {
                    job.tell_failure_once(Occasion::Promoted, &purpose, error, caller).await;
                }
                Some(done) => job.report(Occasion::Promoted, done, &purpose, caller).await,
            }
            done.transpose()
        };
        operation("promotion", service, whole).await
    }
}

impl Job<'_> {
    async fn promote_if(
        &self,
        lease: Lease,
        canary: &Running,
        request: &Request,
    ) -> Result<Option<Deployment>> {
        let now = self.live().await?.running(Track::Canary);
        if !now.is_some_and(|now| now.held.is_none() && now.is_same_trial(canary)) {
            return Ok(None);
        }
        self.promote(lease, request).await.map(Some)
    }

    async fn promote(&self, lease: Lease, request: &Request) -> Result<Deployment> {
        let revision = self.resolve(&request.version).await;
        self.settle(&lease, revision.as_ref().map_or(Goal::Other, Goal::Promotion)).await?;
        let revision = revision?;
        // A rollback takes the lease: from here on the canary is either there or this is cancelled.
        let live = self.look_around().await?;
        let tag = self.tag_on_trial(&live, &revision, request)?;
        let canary: Vec<_> = live.on(Track::Canary).map(Object::id).collect();
        let noted = self.unless_stopped(self.roll_out(canary.iter())).await?;
        let source = self.read(revision).await?;
        let version = self.version(&source, &tag.into(), None, self.limits(request)).await?;
        let mut plan = self.plan_promotion(&source, &version, &live, &request.caller).await?;
        plan.warnings.extend(noted);
        self.make_stable(&lease, plan, &version, &live, &request.caller).await
    }

    /// The tag of the canary, whose time is not over, and which must be of `revision` (and the tag that was asked for,
    /// if one was), and of a branch that may be deployed.
    pub(super) fn tag_on_trial(&self, live: &Live, revision: &Revision, request: &Request) -> Result<Tag> {
        if let Some(canary) = live.running(Track::Canary) {
            not_expired(&canary, self.now(), "pipeline.promote")?;
        }
        let tag = canary_tag(live, revision, request.version.tag())?;
        self.limits(request).check(&tag)?;
        Ok(tag)
    }
}

fn canary_tag(live: &Live, revision: &Revision, tag: Option<&Tag>) -> Result<Tag> {
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
