use futures_util::FutureExt;
use futures_util::future::join;
use jiff::Timestamp;
use nprt_core::model::{Object, Revision, ServiceName, Track, annotation};
use nprt_core::ports::{Lease, Occasion, Task};
use nprt_core::{Error, ErrorKind, Result};
use nprt_manifest::Version;

use super::Pipeline;
use super::apply::Removal;
use super::drift::{self, DriftPolicy};
use super::job::Job;
use super::live::Live;
use super::marked::{Held, refuse_marked};
use super::phase::phase;
use super::plan::{Marks, Plan, marks};
use super::progress::Progress;
use super::promotion::Promotion;
use super::request::{AppliedObject, Deployment, Request};
use super::source::Source;
use super::strangers::refuse_taken;
use super::traffic::Routes;
use super::undo::Parts;

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
        let job = self.job(service, progress)?;
        job.change(Task::Canary, Occasion::CanaryStarted, request, |lease| job.canary(lease, request)).await
    }
}

impl Job<'_> {
    async fn canary(&self, lease: Lease, request: &Request) -> Result<Deployment> {
        self.settle_before(&lease, request).await?;
        let mut trial = self.unless_stopped(self.plan_canary(request)).await?;
        if trial.is_there && self.remove_left_over(&lease, &trial.live).await?.is_some() {
            trial = self.unless_stopped(self.plan_canary(request)).await?;
        }
        let Trial { version, live, mut plan, routes, is_there } = trial;
        let older = self.unless_stopped(self.remove_older(&lease, &live, &plan.older)).await?;
        let mut gone = Removal::default();
        if !is_there {
            gone = self.make_way(&lease, &live, &request.caller).await?;
            plan.refuse_held(&gone.held)?;
            self.unless_stopped(self.wait_for_the_end_of_pods()).await?;
            plan.mark(&self.trial_from_now())?;
        }
        let recorded = self.record_start(&lease, (&plan, &routes), &live, &version, &request.caller).await?;
        let mut noted = Vec::new();
        let started = self.start(&lease, &plan, &routes, &recorded, &mut noted);
        let applied = match self.unless_stopped(started).await {
            Ok(applied) => applied,
            Err(error) => return Err(self.remove_failed(&lease, error, &recorded).await),
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
    pub(super) async fn plan_canary(&self, request: &Request) -> Result<Trial> {
        let (revision, live) = join(self.resolve(&request.version), self.look_around()).await;
        let (revision, live) = (revision?, live?);
        self.refuse_stable(&live, &revision)?;
        let mixed = live.mixed();
        if let Some(warning) = &mixed {
            self.progress.warn(warning);
        }
        let source = self.read(revision).await?;
        let running = live.tag_of(&source.revision);
        let version = self.version(&source, &request.version, running, self.limits(request)).await?;
        if self.service.transform.canary.traffic.is_some() {
            self.refuse_held_routes(&live).await?;
        }
        let promotion = self.promotion(&source, &version, &live, &request.caller).await?;
        promotion.stable_beside(&live)?;
        let Planned { mut plan, routes, is_there } =
            self.plan_beside(&source, &version, &live, &promotion, request).boxed().await?;
        if self.service.prune {
            plan.withheld.extend(self.orphans(&live, &source.manifests));
        }
        plan.warnings.extend(mixed);
        self.warn_of_strangers(&mut plan, &live, &source);
        self.refuse_taken_services(&plan, &live)?;
        if !is_there {
            plan = plan.anew();
        }
        let routes = self.plan_routes(&routes).await?;
        Ok(Trial { version, live, plan, routes, is_there })
    }

    /// The canary beside what `promotion` makes, with what others have set on stable where it carries that.
    async fn plan_beside(
        &self,
        source: &Source,
        version: &Version,
        live: &Live,
        promotion: &Promotion,
        request: &Request,
    ) -> Result<Planned> {
        let mut planned = self.plan_rendered(source, version, live, promotion, request, false).await?;
        let drift = self.drift_of_canary(promotion, &planned)?;
        if drift.is_empty() {
            drift::mark(&mut planned.plan, &drift)?;
            return Ok(planned);
        }
        let named = drift.join(", ");
        let (warning, left) = match self.service.drift {
            DriftPolicy::Refuse => {
                return Err(drift::refused("the canary would differ from its promotion", &drift));
            }
            DriftPolicy::Carry => {
                planned = self.plan_rendered(source, version, live, promotion, request, true).await?;
                let warning = format!("the canary carries what others set on stable: {named}");
                (warning, self.drift_of_canary(promotion, &planned)?)
            }
            DriftPolicy::Warn => (format!("the canary lacks what others set on stable: {named}"), drift),
        };
        drift::mark(&mut planned.plan, &left)?;
        self.warn(&mut planned.plan, warning);
        Ok(planned)
    }

    async fn plan_rendered(
        &self,
        source: &Source,
        version: &Version,
        live: &Live,
        promotion: &Promotion,
        request: &Request,
        carry: bool,
    ) -> Result<Planned> {
        let rendered = self.render_canary(source, version, promotion, carry);
        let mut rendered = phase("transform", rendered).await?;
        let older = self.older_canaries(live, &source.manifests);
        self.check_names(&rendered, live, &older)?;
        let routes = self.add_routes(&mut rendered, version, live).await?;
        rendered.withheld.retain(|id| promotion.changes(id));
        rendered.warnings.extend(promotion.plan.warnings.iter().cloned());
        refuse_marked(&rendered.documents, live)?;
        let marks = [marks(&request.caller), self.trial_from_now()].concat();
        let now = self.now();
        let running = live.running(Track::Canary).filter(|canary| !canary.is_expired(now));
        let is_there = running.is_some_and(|canary| canary.is(version)) && live.has_routes(&routes);
        // One that is removed first leaves nothing to keep.
        let mut plan = match is_there {
            true => self.plan(rendered, live, &marks).await?,
            false => {
                self.make_way_for_dry_run(live.on(Track::Canary).map(Object::id));
                self.plan(rendered, &live.without(Track::Canary), &marks).await?
            }
        };
        refuse_taken(&plan, &older)?;
        plan.older = older;
        Ok(Planned { plan, routes, is_there })
    }

    /// What the promotion would have and the canary does not.
    fn drift_of_canary(&self, promotion: &Promotion, planned: &Planned) -> Result<Vec<String>> {
        Ok(drift::texts(&self.drift(&promotion.plan, &planned.plan.becomes())?))
    }

    /// # Errors
    /// `Conflict` where `revision` is stable already.
    fn refuse_stable(&self, live: &Live, revision: &Revision) -> Result<()> {
        let Some(stable) = live.running(Track::Stable) else { return Ok(()) };
        if stable.revision.as_ref() != Some(revision) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Conflict, "pipeline.canary", "this version is stable already")
            .with("service", &self.service.name)
            .with("stable", stable.describe()))
    }

    /// The start and the end of a trial that begins now.
    fn trial_from_now(&self) -> Marks {
        let now = self.now();
        let expires = now.checked_add(self.settings.canary()).unwrap_or(Timestamp::MAX);
        vec![(annotation::STARTED, now.to_string()), (annotation::EXPIRES, expires.to_string())]
    }

    /// Requests come by the routes once there are pods to answer them.
    async fn start(
        &self,
        lease: &Lease,
        plan: &Plan,
        routes: &Plan,
        recorded: &Parts,
        noted: &mut Vec<String>,
    ) -> Result<Vec<AppliedObject>> {
        let mut applied = self.apply(lease, plan.steps()).await?;
        noted.extend(self.roll_out(applied.iter().map(|applied| &applied.object)).await?);
        // Those of a canary before may have been put back since the dry run.
        for route in &routes.objects {
            applied.push(self.apply_one(lease, route).await?);
        }
        if !recorded.is_empty() {
            self.forget(lease, recorded).await?;
        }
        Ok(applied)
    }

    /// Removes a canary that could not be started, and answers with why it could not.
    async fn remove_failed(&self, lease: &Lease, why: Error, recorded: &Parts) -> Error {
        let remove = async {
            let gone = self.remove_canary(lease, &self.live().await?).await?;
            if !recorded.is_empty() {
                self.forget(lease, recorded).await?;
            }
            Ok(gone)
        };
        match remove.await {
            Ok(gone) if gone.held.is_empty() => why,
            Ok(gone) => {
                why.with("stays", gone.held.iter().map(Held::to_string).collect::<Vec<_>>().join("; "))
            }
            Err(error) => {
                let error: Error = error;
                self.progress.warn(format!("the canary is still there: {error}"));
                why
            }
        }
    }
}

/// A canary to start.
pub(super) struct Trial {
    pub(super) version: Version,
    pub(super) live: Live,
    pub(super) plan: Plan,
    /// The routes by which it gets requests, once it runs.
    pub(super) routes: Plan,
    /// It runs already, and its trial goes on.
    pub(super) is_there: bool,
}

/// A canary's objects, accepted by the cluster.
struct Planned {
    plan: Plan,
    routes: Routes,
    is_there: bool,
}
