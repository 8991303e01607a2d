use futures_util::future::{OptionFuture, join};
use nprt_compare::report::EventKind;
use nprt_core::model::{Object, Revision, ServiceName, Track};
use nprt_core::ports::{Applied, Lease, Occasion, Task};
use nprt_core::{Error, ErrorKind, Result};
use nprt_manifest::Version;
use nprt_manifest::parts::Run;

use super::Pipeline;
use super::apply::{Removal, WORKLOADS, order};
use super::definitions::is_definition;
use super::job::Job;
use super::live::Live;
use super::past_canary::PastCanary;
use super::phase::phase;
use super::plan::{Plan, marks};
use super::progress::Progress;
use super::request::{AppliedObject, Caller, Deployment, Request};
use super::run::when;
use super::source::Source;
use super::undo::{Goal, Parts};

impl Pipeline {
    /// Makes a version stable.
    ///
    /// Everything is checked before anything changes: the service, the revision, its manifests, a tag on
    /// every image, and that the cluster accepts each object. A canary of another version is removed before
    /// stable changes, its pods included, so that never three versions run; one of this version after it is
    /// stable. Where this
    /// version is stable already, no pod restarts: that message is how one goes back to it.
    ///
    /// Where the [service](crate::Service::prune) prunes, what its manifests no longer hold is
    /// deleted at the very end. What cannot be deleted then is a warning: the version is stable, and the next
    /// deploy tries again.
    ///
    /// It is all or nothing. A write that fails for a moment is tried again; where one fails for good, or the
    /// pods of a workload do not become ready, every object goes back to what it was, in the fields that nprt
    /// applies, and what was made goes: all but claims to volumes, namespaces and definitions of kinds. What
    /// was there is recorded in the cluster before anything changes. So a deploy that was cancelled, dropped or
    /// whose process died is undone by the service's next operation, or finished by a deploy of this version.
    /// A canary that was removed stays so.
    ///
    /// Jobs of the manifests that say [when](nprt_core::model::annotation::RUN) run before the workloads change or
    /// once their pods are ready. What one of them did to a database is not undone.
    ///
    /// # Errors
    /// `NotFound` for a service, a version or an image's tag; `Ambiguous` and `Mismatch` for a version;
    /// `Invalid` for manifests; `Forbidden` for a version of no [branch](crate::Service::deployable_branches)
    /// that may be deployed, and for an object that the service
    /// [may not](crate::Service::allow_kinds) bring; `Rejected` by the cluster; `Timeout` where the pods of a canary do not end; `Conflict`, saying
    /// who, while another operation
    /// holds the service's lease, at the end of the [wait](Request::wait); `Cancelled` by a rollback; `RolloutFailed` with the workload and why; and
    /// those of the ports.
    pub async fn deploy(
        &self,
        service: &ServiceName,
        request: &Request,
        progress: &Progress,
    ) -> Result<Deployment> {
        let job = self.job(service, progress)?;
        job.change(Task::Deploy, Occasion::Deployed, request, |lease| job.deploy(lease, request)).await
    }
}

impl Job<'_> {
    async fn deploy(&self, lease: Lease, request: &Request) -> Result<Deployment> {
        // What runs is asked for meanwhile, unless a deploy is to be undone first.
        let live = OptionFuture::from(lease.transition.is_none().then(|| self.look_around()));
        let (revision, live) = join(self.resolve(&request.version), live).await;
        self.settle(&lease, Goal::stable(revision.as_ref().ok())).await?;
        let (revision, live) = (revision?, live.transpose()?);
        let (source, version, live) = self.unless_stopped(self.find(request, revision, live)).await?;
        let plan = self.plan_stable(&source, &version, &live, &request.caller).await?;
        self.make_stable(&lease, plan, &version, &live, &request.caller).await
    }

    /// What there is at the revision that is asked for, and what runs, if that is not known.
    pub(super) async fn find(
        &self,
        request: &Request,
        revision: Revision,
        live: Option<Live>,
    ) -> Result<(Source, Version, Live)> {
        let source = self.read(revision).await?;
        let live = match live {
            Some(live) => live,
            None => self.look_around().await?,
        };
        let running = live.tag_of(&source.revision);
        let version = self.version(&source, &request.version, running, self.limits(request)).await?;
        Ok((source, version, live))
    }

    /// Makes `version` stable as planned, and removes the canary.
    pub(super) async fn make_stable(
        &self,
        lease: &Lease,
        mut plan: Plan,
        version: &Version,
        live: &Live,
        caller: &Caller,
    ) -> Result<Deployment> {
        let older = self.unless_stopped(self.remove_older(lease, live, &plan.older)).await?;
        let mut gone = Removal::default();
        let is_canary = live.running(Track::Canary).is_some_and(|canary| canary.is(version));
        if !is_canary {
            gone = self.make_way(lease, live, caller).await?;
            // Also those of one that was rolled back a moment ago. What changes nothing starts nothing.
            let may_run = !gone.removed.is_empty()
                || !gone.held.is_empty()
                || live.may_have_canary_pods(&self.service.name);
            if may_run && plan.changed().next().is_some() {
                self.unless_stopped(self.wait_for_the_end_of_canary(&gone, &mut plan)).await?;
            }
        }
        let recorded = self.record(lease, &plan, live, version, caller).await?;
        let mut noted = Vec::new();
        let applied = match self.unless_stopped(self.make_so(lease, &plan, &recorded, &mut noted)).await {
            Ok(applied) => applied,
            Err(error) => return Err(self.undo(lease, error).await),
        };
        if is_canary {
            self.keep_past(lease, PastCanary::of(live, self.now(), EventKind::Promoted, caller)).await;
            gone = self.remove_canary(lease, live).await?;
        }
        let Removal { mut removed, warnings, .. } = gone;
        plan.warnings.extend(noted.into_iter().chain(warnings));
        removed.splice(0..0, older);
        removed.extend(self.remove_spent(lease, live, &mut plan).await);
        let pruned = self.prune(lease, &mut plan).await;
        Ok(Deployment {
            service: self.service.name.clone(),
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
    async fn wait_for_the_end_of_canary(&self, gone: &Removal, plan: &mut Plan) -> Result<()> {
        match self.wait_for_the_end_of_pods().await {
            Err(error) if error.kind() == ErrorKind::Timeout && !gone.held.is_empty() => {
                let warning = format!("continues while pods of the previous canary still run: {error}");
                self.progress.warn(&warning);
                plan.warnings.push(warning);
                Ok(())
            }
            done => done,
        }
    }

    /// Removes the canary for another version's sake.
    pub(super) async fn make_way(&self, lease: &Lease, live: &Live, caller: &Caller) -> Result<Removal> {
        self.keep_past(lease, PastCanary::of(live, self.now(), EventKind::Replaced, caller)).await;
        let gone = self.remove_canary(lease, live).await?;
        self.about.replaced(live.running(Track::Canary));
        Ok(gone)
    }

    /// What making `version` stable does.
    pub(super) async fn plan_stable(
        &self,
        source: &Source,
        version: &Version,
        live: &Live,
        caller: &Caller,
    ) -> Result<Plan> {
        let rendered = phase("transform", self.render_stable(source, version, live)).await?;
        let mut plan = self.plan(rendered, live, &marks(caller)).await?;
        plan.older = self.older_canaries(live, &source.manifests);
        self.warn_of_strangers(&mut plan, live, source);
        plan.spent = self.spent(live, &plan.objects, &source.manifests);
        plan.warnings.extend(self.held_orphans(live, &source.manifests));
        let orphans = self.orphans(live, &source.manifests);
        if self.service.prune {
            plan.pruned = orphans;
        } else if !orphans.is_empty() {
            let names: Vec<String> = orphans.iter().map(ToString::to_string).collect();
            let warning =
                format!("the service does not prune; no longer in the manifests: {}", names.join(", "));
            self.progress.warn(&warning);
            plan.warnings.push(warning);
        }
        Ok(plan)
    }

    /// Says in the plan what is beside the service and takes part in it.
    pub(super) fn warn_of_strangers(&self, plan: &mut Plan, live: &Live, source: &Source) {
        for warning in self.strangers(live, &source.manifests, &plan.older) {
            self.warn(plan, warning);
        }
    }

    /// Applies the plan, runs its Jobs, waits for its pods, and then the way back is no longer needed. Notes what a
    /// person should know of the rollouts.
    async fn make_so(
        &self,
        lease: &Lease,
        plan: &Plan,
        recorded: &Parts,
        noted: &mut Vec<String>,
    ) -> Result<Vec<AppliedObject>> {
        // What is run is none of the workloads.
        let mut applied = self.define(lease, plan).await?;
        let is_left = |(object, _): &(&Object, &Applied)| {
            when(object).is_none() && (applied.is_empty() || !is_definition(object))
        };
        let objects = plan.steps().filter(is_left);
        let (first, then): (Vec<_>, Vec<_>) = objects.partition(|(object, _)| order(object) < WORKLOADS);
        applied.extend(self.apply(lease, first.into_iter()).await?);
        applied.extend(self.run_jobs(lease, plan, Run::Before).await?);
        applied.extend(self.apply(lease, then.into_iter()).await?);
        noted.extend(self.roll_out(applied.iter().map(|applied| &applied.object)).await?);
        applied.extend(self.run_jobs(lease, plan, Run::After).await?);
        if !recorded.is_empty() {
            self.forget(lease, recorded).await?;
        }
        Ok(applied)
    }

    /// `error`, and which versions it left stable with.
    pub(super) async fn say_mixed(&self, error: Error) -> Error {
        match self.live().await.map(|live| live.mixed()) {
            Ok(Some(mixed)) => error.with("left", mixed),
            Ok(None) => error,
            Err(unknown) => {
                self.progress.warn(format!("what was left is not known: {unknown}"));
                error
            }
        }
    }
}
