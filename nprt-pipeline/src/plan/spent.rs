//! Which Kubernetes' Jobs of a plan are run, and which of earlier versions are left.

use nprt_core::model::{Object, ObjectId};
use nprt_manifest::parts::Run;
use nprt_manifest::places::Places;
use nprt_manifest::{Manifests, parts};

use crate::context::Context;
use crate::plan::orphans::may_prune;
use crate::state::marked::is_marked;
use crate::state::snapshot::Snapshot;

/// The service's live Jobs that were run for other versions than the plan's.
pub(crate) fn spent(
    cx: &Context<'_>,
    live: &Snapshot,
    planned: &[Object],
    manifests: &Manifests,
) -> Vec<ObjectId> {
    // One that was applied before its manifest said when it is run has the manifest's own name.
    let runs = manifests.documents.iter().map(|document| &document.object);
    let runs = Places::of(runs.filter(|object| when(object).is_some()));
    let planned = Places::of(planned.iter());
    let ours = live.objects.iter().filter(|object| parts::is_job(object) && may_prune(cx, object));
    let ours = ours.filter(|object| !is_marked(object));
    let spent = ours.filter(|object| parts::was_run(object) || runs.mean(&object.id())).map(Object::id);
    spent.filter(|id| !planned.mean(id)).collect()
}

/// When an object of a plan is run. What the annotation may say was checked as it was rendered.
pub(crate) fn when(object: &Object) -> Option<Run> {
    parts::when_run(object).ok().flatten()
}
