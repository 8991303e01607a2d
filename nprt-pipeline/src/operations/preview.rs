use std::collections::BTreeSet;

use nprt_core::Result;
use nprt_core::model::{Object, ObjectId, Revision, ServiceName, Tag, Track};
use nprt_core::ports::{Applied, Change};
use nprt_manifest::Version;

use crate::apply::routes_back;
use crate::context::Context;
use crate::operations::{canary, deploy, promote};
use crate::outcome::Rollback;
use crate::pipeline::Pipeline;
use crate::plan::planned::Plan;
use crate::plan::{promotion, stable};
use crate::progress::Progress;
use crate::request::Request;
use crate::state::snapshot::Snapshot;
use crate::version::{branch, source};

/// What a deploy, a canary or a promotion would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The service.
    pub service: ServiceName,
    /// Where the version would run.
    pub track: Track,
    /// The version's revision.
    pub revision: Revision,
    /// The tag of its images.
    pub tag: Tag,
    /// Every object that would be applied.
    pub objects: Vec<PreviewedObject>,
    /// The objects of a canary that would be removed, and the [Jobs](nprt_core::model::annotation::RUN) of earlier
    /// versions.
    pub removed: Vec<ObjectId>,
    /// The objects that the manifests no longer hold and that would be deleted, by the service's policy.
    pub pruned: Vec<ObjectId>,
    /// Objects that the manifests would change, or whose removal they mean, and that would wait for the
    /// promotion.
    pub withheld: Vec<ObjectId>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// An object, and what applying it would do. Its contents are whole, the values of Secrets included, which
/// `Debug` does not show: show it to a person as [`Object::redacted`].
#[derive(Debug, Clone, PartialEq)]
pub struct PreviewedObject {
    /// The object.
    pub object: ObjectId,
    /// What would become of it.
    pub change: Change,
    /// As the cluster has it; `None` where it would be created.
    pub before: Option<Object>,
    /// As the cluster would have it; who asks for it, why and when is added as it is applied.
    pub after: Object,
}

impl Pipeline {
    /// What [`Pipeline::deploy`] (for [`Track::Stable`]) or [`Pipeline::canary`] would do now. It changes
    /// nothing and needs no lease, so that it also works while somebody else changes the service. It checks
    /// all that the operation would check, but does not wait for images: only for a registry that is busy.
    ///
    /// # Errors
    /// As the operation, without those of leases and rollouts.
    pub async fn preview(
        &self,
        service: &ServiceName,
        request: &Request,
        track: Track,
        progress: &Progress,
    ) -> Result<Preview> {
        let mut op = self.operation(service, progress)?;
        branch::check_asked(&op.cx, request)?;
        op.cx.settings.image_wait_seconds = 0;
        match track {
            Track::Stable => {
                let revision = source::resolve(&op.cx, &request.version).await?;
                let (source, version, live) = Box::pin(deploy::find(&op, request, revision, None)).await?;
                let plan =
                    Box::pin(stable::plan_stable(&op.cx, &source, &version, &live, &request.caller)).await?;
                foresee(&op.cx, track, version, &live, plan, true).await
            }
            Track::Canary => {
                let mut trial = Box::pin(canary::plan_canary(&op, request)).await?;
                trial.plan.foreseen.append(&mut trial.routes.foreseen);
                foresee(&op.cx, track, trial.version, &trial.live, trial.plan, !trial.is_there).await
            }
        }
    }
}

impl Pipeline {
    /// What [`Pipeline::promote`] would do now, as [`Pipeline::preview`] says it of a deploy. It does not wait for the
    /// canary's pods.
    ///
    /// # Errors
    /// As [`Pipeline::promote`], without those of leases and rollouts.
    pub async fn preview_promotion(
        &self,
        service: &ServiceName,
        request: &Request,
        progress: &Progress,
    ) -> Result<Preview> {
        let op = self.operation(service, progress)?;
        branch::check_asked(&op.cx, request)?;
        let revision = source::resolve(&op.cx, &request.version).await?;
        let live = op.witness.look_around(&op.cx).await?;
        let tag = promote::tag_on_trial(&op.cx, &live, &revision, request)?;
        let source = source::read(&op.cx, revision).await?;
        let version =
            source::version(&op.cx, &source, &tag.into(), None, branch::limits(&op.cx, request)).await?;
        let plan =
            Box::pin(promotion::plan_promotion(&op.cx, &source, &version, &live, &request.caller)).await?;
        foresee(&op.cx, Track::Stable, version, &live, plan, true).await
    }
}

impl Pipeline {
    /// What [`Pipeline::rollback`] would do now: what would be removed, what serves on, and whose operation would be
    /// cancelled. It changes nothing, and needs the cluster alone.
    ///
    /// # Errors
    /// As [`Pipeline::rollback`], without those of leases.
    pub async fn preview_rollback(&self, service: &ServiceName, progress: &Progress) -> Result<Rollback> {
        let op = self.operation(service, progress)?;
        let cancelled = op.cx.ports.cluster.lease(service).await?.map(|lease| lease.to_string());
        let live = op.witness.look(&op.cx).await?;
        let routes = routes_back::foresee_routes_back(&op.cx, &live).await?;
        let stay = routes.services();
        let removed = live.on(Track::Canary).map(Object::id).filter(|id| !stay.contains(id)).collect();
        let [canary, stable] = [Track::Canary, Track::Stable].map(|track| live.running(track));
        let (warnings, ending) = (routes.warnings(), Vec::new());
        Ok(Rollback { service: service.clone(), canary, stable, removed, ending, cancelled, warnings })
    }
}

async fn foresee(
    cx: &Context<'_>,
    track: Track,
    version: Version,
    live: &Snapshot,
    plan: Plan,
    canary_goes: bool,
) -> Result<Preview> {
    let Plan { pruned, withheld, mut warnings, foreseen, older, spent, .. } = plan;
    let mut removed = older;
    if canary_goes {
        let routes = routes_back::foresee_routes_back(cx, live).await?;
        let stay = routes.services();
        removed.extend(live.on(Track::Canary).map(Object::id).filter(|id| !stay.contains(id)));
        warnings.extend(routes.warnings());
    }
    let removed_ids: BTreeSet<&ObjectId> = removed.iter().collect();
    let mut objects = Vec::with_capacity(foreseen.len());
    for Applied { object: after, change, before, .. } in foreseen {
        let object = after.id();
        // What is removed first is created anew.
        let change = if removed_ids.contains(&object) { Change::Created } else { change };
        let before = before.filter(|_| change != Change::Created);
        objects.push(PreviewedObject { object, change, before, after });
    }
    removed.extend(spent);
    let Version { service, revision, tag, .. } = version;
    Ok(Preview { service, track, revision, tag, objects, removed, pruned, withheld, warnings })
}
