//! What will be applied, accepted by the cluster before anything changes.

use futures_util::future::join_all;
use nprt_core::model::{Object, ObjectId, Track, annotation, label};
use nprt_core::ports::{Applied, Change};
use nprt_core::{Error, Result};
use nprt_manifest::{Document, Rendered};
use serde_json::{Map, Value};

use super::definitions::Definitions;
use super::job::Job;
use super::live::Live;
use super::marked::refuse_marked;
use super::phase::phase;
use super::progress::Event;
use super::request::Caller;

/// What will be applied.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) objects: Vec<Object>,
    /// What the cluster said that would become of each, in the same order.
    pub(super) foreseen: Vec<Applied>,
    /// What the manifests no longer hold and is deleted at the end.
    pub(super) pruned: Vec<ObjectId>,
    /// Canaries that an older tool left, removed before anything else changes.
    pub(super) older: Vec<ObjectId>,
    /// Jobs that earlier versions ran, removed at the end too.
    pub(super) spent: Vec<ObjectId>,
    pub(super) withheld: Vec<ObjectId>,
    pub(super) warnings: Vec<String>,
}

impl Plan {
    /// Says `marks` anew on the objects that say them.
    pub(super) fn mark(&mut self, marks: &Marks) -> Result<()> {
        let says = |object: &Object| marks.iter().all(|(key, _)| object.annotation(key).is_some());
        let mut said = self.objects.iter_mut().filter(|object| says(object));
        said.try_for_each(|object| annotate(object, marks.iter().cloned()))
    }

    /// Each object, and what would become of it.
    pub(super) fn steps(&self) -> impl Iterator<Item = (&Object, &Applied)> {
        self.objects.iter().zip(&self.foreseen)
    }

    /// The objects as they would be.
    pub(super) fn becomes(&self) -> Vec<Object> {
        self.foreseen.iter().map(|applied| applied.object.clone()).collect()
    }

    /// The objects that it changes or makes.
    pub(super) fn changed(&self) -> impl Iterator<Item = (ObjectId, Change)> {
        let changed = self.foreseen.iter().filter(|applied| applied.change != Change::Unchanged);
        changed.map(|applied| (applied.object.id(), applied.change))
    }

    /// The canary is made anew: the one that is there is removed first.
    pub(super) fn anew(mut self) -> Self {
        let canary =
            |applied: &&mut Applied| applied.object.label(label::TRACK) == Some(Track::Canary.as_str());
        for applied in self.foreseen.iter_mut().filter(canary) {
            applied.change = Change::Created;
        }
        self
    }
}

/// Annotations of the workloads themselves, not of their pods: they restart nothing.
pub(super) type Marks = Vec<(&'static str, String)>;

/// Who asked for this version and why.
pub(super) fn marks(caller: &Caller) -> Marks {
    vec![(annotation::CALLER, caller.name().to_owned()), (annotation::REASON, caller.reason().to_owned())]
}

impl Job<'_> {
    /// Asks the cluster whether it would accept every object. Workloads that it would change get `marks`;
    /// those that are so already keep the ones they have, so that nothing is written for a caller's name. The
    /// start and the end of a trial stay where no pod is replaced, so that judging does not begin anew.
    ///
    /// # Errors
    /// The first object's that is refused, by the cluster or the service's settings. Nothing was changed.
    pub(super) async fn plan(&self, rendered: Rendered, live: &Live, marks: &Marks) -> Result<Plan> {
        let Rendered { documents, withheld, mut warnings, .. } = rendered;
        let (objects, foreseen) = self.dry_run(documents, live, marks).await?;
        warnings.extend(foreseen.iter().filter_map(|applied| self.taken_over(applied)));
        for warning in &warnings {
            self.progress.warn(warning);
        }
        self.progress.tell(Event::Validated { objects: objects.len() });
        let mut plan = Plan { objects, foreseen, withheld, warnings, ..Plan::default() };
        let unseen = plan.unseen();
        unseen.iter().for_each(|warning| self.progress.warn(warning));
        plan.warnings.extend(unseen);
        Ok(plan)
    }

    /// Each object as it would be applied, and what would become of it.
    pub(super) async fn dry_run(
        &self,
        documents: Vec<Document>,
        live: &Live,
        marks: &Marks,
    ) -> Result<(Vec<Object>, Vec<Applied>)> {
        refuse_marked(&documents, live)?;
        let definitions = Definitions::among(&documents);
        let planned =
            documents.into_iter().map(|document| self.plan_one(document, &definitions, live, marks));
        let planned = async { join_all(planned).await.into_iter().collect() };
        let planned: Vec<_> = phase("dry run", planned).await?;
        Ok(planned.into_iter().unzip())
    }

    async fn plan_one(
        &self,
        document: Document,
        definitions: &Definitions,
        live: &Live,
        marks: &Marks,
    ) -> Result<(Object, Applied)> {
        let Document { mut object, source } = document;
        if !is_workload(&object) {
            let would_be = self.foreseen(&source, &object, definitions).await?;
            return Ok((object, would_be));
        }
        let now = live.find(&object);
        let kept = |(key, _): &(&'static str, String)| {
            now.and_then(|now| Some((*key, now.annotation(key)?.to_owned())))
        };
        annotate(&mut object, marks.iter().filter_map(kept))?;
        // As the trial goes on, so does a hold of it, and what is known of drift.
        for key in [annotation::HELD, annotation::DRIFT] {
            let said = now.and_then(|now| now.annotation(key));
            annotate(&mut object, said.into_iter().map(|said| (key, said.to_owned())))?;
        }
        let would_be = self.foreseen(&source, &object, definitions).await?;
        if would_be.change != Change::Unchanged || now.is_none() {
            let pods_stay = now.is_some_and(|now| {
                now.annotation(annotation::STARTED).is_some() && pods(now) == pods(&would_be.object)
            });
            let trial = [annotation::STARTED, annotation::EXPIRES];
            let stays = |key: &str| trial.contains(&key) && pods_stay;
            annotate(&mut object, marks.iter().filter(|(key, _)| !stays(key)).cloned())?;
        }
        Ok((object, would_be))
    }
}

/// Whether it runs a version. A canary's copies of configuration, and its Services, have a track too.
pub(super) fn is_workload(object: &Object) -> bool {
    let other = object.api_version() == "v1" && matches!(object.kind(), "ConfigMap" | "Secret" | "Service");
    object.label(label::TRACK).is_some() && !other
}

/// What a workload's pods are made by.
fn pods(workload: &Object) -> Option<&Value> {
    workload.as_value().pointer("/spec/template")
}

pub(super) fn annotate(
    object: &mut Object,
    marks: impl Iterator<Item = (&'static str, String)>,
) -> Result<()> {
    let not_a_map =
        || Error::invalid("pipeline.plan", "expected a map").with("field", "metadata.annotations");
    let metadata = object.as_value_mut().get_mut("metadata").and_then(Value::as_object_mut);
    let annotations = metadata.ok_or_else(not_a_map)?.entry("annotations").or_insert(Value::Null);
    if annotations.is_null() {
        *annotations = Value::Object(Map::new());
    }
    let annotations = annotations.as_object_mut().ok_or_else(not_a_map)?;
    annotations.extend(marks.map(|(key, value)| (key.to_owned(), Value::String(value))));
    Ok(())
}
