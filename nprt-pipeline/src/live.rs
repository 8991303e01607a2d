//! What runs now, read from the labels and annotations of the objects themselves.

use jiff::Timestamp;
use nprt_core::Result;
use nprt_core::model::{Object, ObjectId, Revision, ServiceName, Tag, Track, annotation, label};
use nprt_core::ports::Survey;
use nprt_manifest::Version;
use nprt_manifest::parts::was_run;
use nprt_manifest::places::Places;
use serde::{Deserialize, Serialize};

use super::checkpoint::is_checkpoint;
use super::drift;
use super::held::Held;
use super::job::Job;
use super::marked::is_marked;

/// A version that runs on a track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Its revision; `None` where the objects do not say, or disagree.
    pub revision: Option<Revision>,
    /// Its tag; `None` where the objects do not say, or disagree.
    pub tag: Option<Tag>,
    /// When it was started; only of a canary.
    pub started: Option<Timestamp>,
    /// When its time is over; only of a canary.
    pub expires: Option<Timestamp>,
    /// Who asked for it.
    pub caller: Option<String>,
    /// Who [holds](crate::Pipeline::hold) it; only of a canary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    /// The fields that others have set on stable and that this canary does not have, such as
    /// `Deployment/web spec.template.spec.containers[web].env[DEBUG]`: its promotion keeps them. Only of a canary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<String>,
    /// The objects of the track.
    pub objects: Vec<ObjectId>,
}

impl Running {
    /// `main-3f2a91c (3f2a91c0b1d2)`, or what is known of it.
    #[must_use]
    pub fn describe(&self) -> String {
        match (&self.tag, &self.revision) {
            (Some(tag), Some(revision)) => format!("{tag} ({})", revision.short()),
            (None, Some(revision)) => revision.short(),
            (Some(tag), None) => tag.to_string(),
            (None, None) => "an unknown or mixed version".to_owned(),
        }
    }

    /// Whether its time was over at `now`. One that does not say when never is.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Whether it is exactly this version, started then, and held or not as this one.
    pub(super) fn is_same_trial(&self, other: &Self) -> bool {
        let trial = |one: &Self| (one.revision.clone(), one.tag.clone(), one.started, one.held.clone());
        trial(self) == trial(other)
    }

    /// Whether it is exactly this version.
    pub(super) fn is(&self, version: &Version) -> bool {
        self.revision.as_ref() == Some(&version.revision) && self.tag.as_ref() == Some(&version.tag)
    }
}

/// The service's objects in the cluster.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) objects: Vec<Object>,
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

impl Live {
    fn new(objects: Vec<Object>, around: Option<Around>) -> Self {
        let places = Places::of(objects.iter());
        Self { objects, places, around }
    }

    /// The objects that belong to `track` alone: its workloads, and a canary's copies of configuration. A Job
    /// that was run is over, whichever version's it is, and so is what is marked as deleted.
    pub(super) fn on(&self, track: Track) -> impl Iterator<Item = &Object> {
        let is_on = move |object: &&Object| track_of(object) == Some(track.as_str());
        self.objects.iter().filter(is_on).filter(|object| !was_run(object) && !is_marked(object))
    }

    /// Those that say which version runs there: Services run none, and may be left of a canary that is gone, as may
    /// what its judge knew.
    pub(super) fn run_on(&self, track: Track) -> impl Iterator<Item = &Object> {
        self.on(track).filter(|object| !is_service(object) && !is_checkpoint(object))
    }

    /// The same without what belongs to `track` alone.
    pub(super) fn without(&self, track: Track) -> Self {
        let others = self.objects.iter().filter(|object| track_of(object) != Some(track.as_str()));
        Self::new(others.cloned().collect(), self.around.clone())
    }

    /// What runs on `track`, if anything does.
    pub(super) fn running(&self, track: Track) -> Option<Running> {
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
                .map(|object| drift::said(object))
                .find(|said| !said.is_empty())
                .unwrap_or_default(),
            objects: self.on(track).map(Object::id).collect(),
        })
    }

    /// The tag by which `revision` runs, on stable or else as the canary.
    pub(super) fn tag_of(&self, revision: &Revision) -> Option<Tag> {
        let revision = revision.to_string();
        let objects = self.run_on(Track::Stable).chain(self.run_on(Track::Canary));
        let mut same = objects.filter(|object| object.annotation(annotation::REVISION) == Some(&revision));
        same.find_map(|object| object.annotation(annotation::TAG)?.parse().ok())
    }

    /// That stable runs several versions, and which: what a cancelled or failed deploy leaves, or a workload
    /// that is no longer in the manifests.
    pub(super) fn mixed(&self) -> Option<String> {
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
    pub(super) fn others(&self) -> impl Iterator<Item = &Object> {
        self.around.iter().flat_map(|around| &around.others)
    }

    /// The pods of the namespace.
    pub(super) fn pods(&self) -> impl Iterator<Item = &Object> {
        self.around.iter().flat_map(|around| &around.pods)
    }

    /// What could not be looked at.
    pub(super) fn unseen(&self) -> impl Iterator<Item = &str> {
        self.around.iter().flat_map(|around| &around.unseen).map(String::as_str)
    }

    /// All that is known: the service's objects, and those beside them.
    pub(super) fn all(&self) -> Vec<Object> {
        self.objects.iter().chain(self.others()).cloned().collect()
    }

    /// Whether pods of a canary of the service may be there.
    pub(super) fn may_have_canary_pods(&self, service: &ServiceName) -> bool {
        let is_canarys = |pod: &Object| {
            pod.label(label::SERVICE) == Some(service.as_str())
                && pod.label(label::TRACK) == Some(Track::Canary.as_str())
        };
        self.around.as_ref().is_none_or(|around| around.pods.iter().any(is_canarys))
    }

    /// The live object that `object` means.
    pub(super) fn find(&self, object: &Object) -> Option<&Object> {
        self.places.meant_by(&object.id()).map(|place| &self.objects[place])
    }
}

/// The track that a live object of the service is on. Earlier versions of nprt set the label `track` alone.
pub(super) fn track_of(object: &Object) -> Option<&str> {
    let before = || object.annotation(annotation::REVISION).and_then(|_| object.label("track"));
    object.label(label::TRACK).or_else(before)
}

pub(super) fn is_service(object: &Object) -> bool {
    object.id().group().is_empty() && object.kind() == "Service"
}

/// The annotation's value, where all objects have the same.
fn agreed<'a>(objects: &[&'a Object], key: &str) -> Option<&'a str> {
    let first = objects.first()?.annotation(key)?;
    objects.iter().all(|object| object.annotation(key) == Some(first)).then_some(first)
}

impl Job<'_> {
    pub(super) async fn live(&self) -> Result<Live> {
        let live = Live::new(self.ports.cluster.list(&self.service.name).await?, None);
        self.subject.saw(&live);
        self.about.saw(&live);
        Ok(live)
    }

    /// The same, and what is beside it: for what changes pods.
    pub(super) async fn look_around(&self) -> Result<Live> {
        let Survey { own, others, pods, unseen } = self.ports.cluster.survey(&self.service.name).await?;
        let live = Live::new(own, Some(Around { others, pods, unseen }));
        self.subject.saw(&live);
        self.about.saw(&live);
        Ok(live)
    }
}
