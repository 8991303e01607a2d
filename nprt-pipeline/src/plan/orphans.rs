//! What a service no longer has, of what may be deleted.

use nprt_core::model::{Object, ObjectId, Track, annotation, label};
use nprt_manifest::Manifests;
use nprt_manifest::parts::was_run;
use nprt_manifest::places::Places;

use crate::context::Context;
use crate::rules::allowed;
use crate::state::kinds::track_of;
use crate::state::marked::{HeldByFinalizers, is_marked};
use crate::state::snapshot::Snapshot;

/// What holds data, or everything else: with one of these goes what no deploy brings back.
const KEPT: [(&str, &str); 4] = [
    ("", "Namespace"),
    ("", "PersistentVolume"),
    ("", "PersistentVolumeClaim"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
];

/// Stable's live objects that the manifests no longer hold, of those that may be deleted. Jobs that are run
/// have other names than in the manifests, and go by them.
pub(crate) fn orphans(cx: &Context<'_>, live: &Snapshot, manifests: &Manifests) -> Vec<ObjectId> {
    let held = Places::of(manifests.documents.iter().map(|document| &document.object));
    let ours = live.objects.iter().filter(|object| may_prune(cx, object));
    let ours = ours.filter(|object| !was_run(object) && !is_marked(object));
    let ours = ours.map(Object::id);
    ours.filter(|id| !held.mean(id)).collect()
}

/// What the manifests no longer hold, was deleted before and stays, in words.
pub(crate) fn held_orphans(cx: &Context<'_>, live: &Snapshot, manifests: &Manifests) -> Vec<String> {
    let held = Places::of(manifests.documents.iter().map(|document| &document.object));
    let ours = live.objects.iter().filter(|object| may_prune(cx, object) && !held.mean(&object.id()));
    ours.filter_map(HeldByFinalizers::of).map(|held| held.to_string()).collect()
}

pub(crate) fn may_prune(cx: &Context<'_>, object: &Object) -> bool {
    let id = object.id();
    object.label(label::SERVICE) == Some(cx.service.name.as_str())
        && track_of(object) != Some(Track::Canary.as_str())
        && object.annotation(annotation::PRUNE).is_none_or(|prune| prune == "true")
        && !is_kept(&id)
        && allowed::check_live(cx, object).is_ok()
}

/// Whether an object of this kind is never deleted.
pub(crate) fn is_kept(id: &ObjectId) -> bool {
    KEPT.contains(&(id.group(), id.kind.as_str()))
}
