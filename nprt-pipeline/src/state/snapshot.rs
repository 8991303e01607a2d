//! What runs now, read from the labels and annotations of the objects themselves.

use jiff::Timestamp;
use nprt_core::Result;
use nprt_core::model::{Object, Revision, ServiceName, Tag, Track, annotation, label};
use nprt_core::ports::Survey;
use nprt_manifest::parts::was_run;
use nprt_manifest::places::Places;

use crate::context::Context;
use crate::state::kinds::{is_checkpoint, is_service, track_of};
use crate::state::marked::{HeldByFinalizers, is_marked};
use crate::state::running::{Held, Running, drift_said};

/// The service's objects in the cluster.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) objects: Vec<Object>,
    places: Places,
    /// What is beside them, where it was looked at.
    around: Option<Around>,
}

/// What is in the namespace beside the service's objects.
#[derive(Debug, Clone)]
struct Around {
    others: Vec<Object>,
    pods: Vec<Object>,
    unseen: Vec<String>,
}

impl Snapshot {
    fn new(objects: Vec<Object>, around: Option<Around>) -> Self {
        let places = Places::of(objects.iter());
        Self { objects, places, around }
    }

    /// The objects that belong to `track` alone: its workloads, and a canary's copies of configuration. A Job
    /// that was run is over, whichever version's it is, and so is what is marked as deleted.
    pub(crate) fn on(&self, track: Track) -> impl Iterator<Item = &Object> {
        let is_on = move |object: &&Object| track_of(object) == Some(track.as_str());
        self.objects.iter().filter(is_on).filter(|object| !was_run(object) && !is_marked(object))
    }

    /// What is left of `track` and marked as deleted.
    pub(crate) fn held_on(&self, track: Track) -> impl Iterator<Item = HeldByFinalizers> {
        let is_on = move |object: &&Object| track_of(object) == Some(track.as_str());
        self.objects.iter().filter(is_on).filter_map(HeldByFinalizers::of)
    }

    /// Those that say which version runs there: Services run none, and may be left of a canary that is gone, as may
    /// what its judge knew.
    pub(crate) fn run_on(&self, track: Track) -> impl Iterator<Item = &Object> {
        self.on(track).filter(|object| !is_service(object) && !is_checkpoint(object))
    }

    /// The same without what belongs to `track` alone.
    pub(crate) fn without(&self, track: Track) -> Self {
        let others = self.objects.iter().filter(|object| track_of(object) != Some(track.as_str()));
        Self::new(others.cloned().collect(), self.around.clone())
    }

    /// What runs on `track`, if anything does.
    pub(crate) fn running(&self, track: Track) -> Option<Running> {
        let objects: Vec<&Object> = self.run_on(track).collect();
        objects.first()?;
        // Copies of configuration do not say.
        let caller = objects.iter().find_map(|object| object.annotation(annotation::CALLER));
        // The last one: from then on all of it runs.
        let started = objects.iter().filter_map(|o| o.annotation(annotation::STARTED)?.parse().ok());
        // The first one: a canary is whole or over. What cannot be read is over too.
        let expires = objects.iter().filter_map(|o| o.annotation(annotation::EXPIRES));
        let expires = expires.map(|text| text.parse().unwrap_or(Timestamp::MIN)).min();
        Some(Running {
            revision: agreed(&objects, annotation::REVISION).and_then(|text| text.parse().ok()),
            tag: agreed(&objects, annotation::TAG).and_then(|text| text.parse().ok()),
            started: started.max(),
            expires,
            caller: caller.map(str::to_owned),
            held: objects.iter().find_map(|object| Held::of(object)),
            drift: objects
                .iter()
                .map(|object| drift_said(object))
                .find(|said| !said.is_empty())
                .unwrap_or_default(),
            objects: self.on(track).map(Object::id).collect(),
        })
    }

    /// The tag by which `revision` runs, on stable or else as the canary.
    pub(crate) fn tag_of(&self, revision: &Revision) -> Option<Tag> {
        let revision = revision.to_string();
        let objects = self.run_on(Track::Stable).chain(self.run_on(Track::Canary));
        let mut same = objects.filter(|object| object.annotation(annotation::REVISION) == Some(&revision));
        same.find_map(|object| object.annotation(annotation::TAG)?.parse().ok())
    }

    /// That stable runs several versions, and which: what a cancelled or failed deploy leaves, or a workload
    /// that is no longer in the manifests.
    pub(crate) fn mixed(&self) -> Option<String> {
        if self.running(Track::Stable)?.revision.is_some() {
            return None;
        }
        let version = |object: &Object| {
            format!("{} {}", object.name(), object.annotation(annotation::TAG).unwrap_or("unknown"))
        };
        let versions: Vec<String> = self.on(Track::Stable).map(version).collect();
        Some(format!("stable runs several versions: {}", versions.join(", ")))
    }

    /// The objects of others that select pods or run them.
    pub(crate) fn others(&self) -> impl Iterator<Item = &Object> {
        self.around.iter().flat_map(|around| &around.others)
    }

    /// The pods of the namespace.
    pub(crate) fn pods(&self) -> impl Iterator<Item = &Object> {
        self.around.iter().flat_map(|around| &around.pods)
    }

    /// What could not be looked at.
    pub(crate) fn unseen(&self) -> impl Iterator<Item = &str> {
        self.around.iter().flat_map(|around| &around.unseen).map(String::as_str)
    }

    /// All that is known: the service's objects, and those beside them.
    pub(crate) fn all(&self) -> Vec<Object> {
        self.objects.iter().chain(self.others()).cloned().collect()
    }

    /// Whether pods of a canary of the service may be there.
    pub(crate) fn may_have_canary_pods(&self, service: &ServiceName) -> bool {
        let is_canarys = |pod: &Object| {
            pod.label(label::SERVICE) == Some(service.as_str())
                && pod.label(label::TRACK) == Some(Track::Canary.as_str())
        };
        self.around.as_ref().is_none_or(|around| around.pods.iter().any(is_canarys))
    }

    /// The live object that `object` means.
    pub(crate) fn find(&self, object: &Object) -> Option<&Object> {
        self.places.meant_by(&object.id()).map(|place| &self.objects[place])
    }
}

/// The annotation's value, where all objects have the same.
fn agreed<'a>(objects: &[&'a Object], key: &str) -> Option<&'a str> {
    let first = objects.first()?.annotation(key)?;
    objects.iter().all(|object| object.annotation(key) == Some(first)).then_some(first)
}

/// What runs now.
pub(crate) async fn read(cx: &Context<'_>) -> Result<Snapshot> {
    Ok(Snapshot::new(cx.ports.cluster.list(&cx.service.name).await?, None))
}

/// The same, and what is beside it: for what changes pods.
pub(crate) async fn survey(cx: &Context<'_>) -> Result<Snapshot> {
    let Survey { own, others, pods, unseen } = cx.ports.cluster.survey(&cx.service.name).await?;
    Ok(Snapshot::new(own, Some(Around { others, pods, unseen })))
}

/// Whether a canary runs whose time is over.
pub(crate) fn is_over(live: &Snapshot, now: Timestamp) -> bool {
    live.running(Track::Canary).is_some_and(|canary| canary.is_expired(now))
}
