//! What a service no longer has.

use nprt_core::model::{Object, ObjectId, Track, annotation, label};
use nprt_core::ports::Lease;
use nprt_manifest::Manifests;
use nprt_manifest::parts::was_run;
use nprt_manifest::places::Places;

use super::apply::Deleted;
use super::job::Job;
use super::live::{Live, track_of};
use super::marked::{Held, is_marked};
use super::plan::Plan;
use super::progress::Event;

/// What holds data, or everything else: with one of these goes what no deploy brings back.
const KEPT: [(&str, &str); 4] = [
    ("", "Namespace"),
    ("", "PersistentVolume"),
    ("", "PersistentVolumeClaim"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
];

impl Job<'_> {
    /// Stable's live objects that the manifests no longer hold, of those that may be deleted. Jobs that are run
    /// have other names than in the manifests, and go by them.
    pub(super) fn orphans(&self, live: &Live, manifests: &Manifests) -> Vec<ObjectId> {
        let held = Places::of(manifests.documents.iter().map(|document| &document.object));
        let ours = live.objects.iter().filter(|object| self.may_prune(object));
        let ours = ours.filter(|object| !was_run(object) && !is_marked(object));
        let ours = ours.map(Object::id);
        ours.filter(|id| !held.mean(id)).collect()
    }

    /// What the manifests no longer hold, was deleted before and stays, in words.
    pub(super) fn held_orphans(&self, live: &Live, manifests: &Manifests) -> Vec<String> {
        let held = Places::of(manifests.documents.iter().map(|document| &document.object));
        let ours = live.objects.iter().filter(|object| self.may_prune(object) && !held.mean(&object.id()));
        ours.filter_map(Held::of).map(|held| held.to_string()).collect()
    }

    /// Deletes what the plan says, and answers with what is gone. What cannot be deleted becomes a warning of
    /// the plan.
    pub(super) async fn prune(&self, lease: &Lease, plan: &mut Plan) -> Vec<ObjectId> {
        let mut objects = Vec::new();
        let mut failed = Ok(());
        for id in &plan.pruned {
            // The plan is as old as the rollouts: meanwhile a person may have kept it, or given it away.
            match self.again(|| self.ports.cluster.get(id)).await {
                Ok(object) => objects.extend(object.filter(|object| self.may_prune(object))),
                Err(error) => failed = failed.and(Err(error)),
            }
        }
        let told = |object| Event::Pruned { object };
        let (Deleted { gone, held }, done) = self.delete(lease, objects.iter().collect(), told).await;
        plan.warnings.extend(held.iter().map(Held::to_string));
        if let Err(error) = failed.and(done) {
            let warning = format!("not all was pruned, and the next deploy tries again: {error}");
            self.progress.warn(&warning);
            plan.warnings.push(warning);
        }
        gone
    }

    pub(super) fn may_prune(&self, object: &Object) -> bool {
        let id = object.id();
        object.label(label::SERVICE) == Some(self.service.name.as_str())
            && track_of(object) != Some(Track::Canary.as_str())
            && object.annotation(annotation::PRUNE).is_none_or(|prune| prune == "true")
            && !is_kept(&id)
            && self.check_live(object).is_ok()
    }
}

/// Whether an object of this kind is never deleted.
pub(super) fn is_kept(id: &ObjectId) -> bool {
    KEPT.contains(&(id.group(), id.kind.as_str()))
}
