//! What will be applied, accepted by the cluster before anything changes.

use nprt_core::model::{Object, ObjectId, Track, annotation, label};
use nprt_core::ports::{Applied, Change};
use nprt_core::{Error, Result};
use serde_json::{Map, Value};

use crate::context::Context;
use crate::request::Caller;
use crate::state::marked::HeldByFinalizers;

/// What will be applied.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) objects: Vec<Object>,
    /// What the cluster said that would become of each, in the same order.
    pub(crate) foreseen: Vec<Applied>,
    /// What the manifests no longer hold and is deleted at the end.
    pub(crate) pruned: Vec<ObjectId>,
    /// Canaries that an older tool left, removed before anything else changes.
    pub(crate) older: Vec<ObjectId>,
    /// Jobs that earlier versions ran, removed at the end too.
    pub(crate) spent: Vec<ObjectId>,
    pub(crate) withheld: Vec<ObjectId>,
    pub(crate) warnings: Vec<String>,
}

/// Annotations of the workloads themselves, not of their pods: they restart nothing.
pub(crate) type Marks = Vec<(&'static str, String)>;

/// Says a warning at once and in the answer.
pub(crate) fn warn(cx: &Context<'_>, plan: &mut Plan, warning: String) {
    cx.progress.warn(&warning);
    plan.warnings.push(warning);
}

impl Plan {
    /// The same after a removal that left `held`.
    ///
    /// # Errors
    /// As [`refuse_marked`](crate::plan::dry_run::refuse_marked).
    pub(crate) fn refuse_held(&self, held: &[HeldByFinalizers]) -> Result<()> {
        let is_planned =
            |held: &&HeldByFinalizers| self.foreseen.iter().any(|planned| planned.object.id() == held.object);
        held.iter().find(is_planned).map_or(Ok(()), |held| Err(held.refuse()))
    }

    /// Says `marks` anew on the objects that say them.
    pub(crate) fn mark(&mut self, marks: &Marks) -> Result<()> {
        let says = |object: &Object| marks.iter().all(|(key, _)| object.annotation(key).is_some());
        let mut said = self.objects.iter_mut().filter(|object| says(object));
        said.try_for_each(|object| annotate(object, marks.iter().cloned()))
    }

    /// Each object, and what would become of it.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (&Object, &Applied)> {
        self.objects.iter().zip(&self.foreseen)
    }

    /// The objects as they would be.
    pub(crate) fn becomes(&self) -> Vec<Object> {
        self.foreseen.iter().map(|applied| applied.object.clone()).collect()
    }

    /// The objects that it changes or makes.
    pub(crate) fn changed(&self) -> impl Iterator<Item = (ObjectId, Change)> {
        let changed = self.foreseen.iter().filter(|applied| applied.change != Change::Unchanged);
        changed.map(|applied| (applied.object.id(), applied.change))
    }

    /// The canary is made anew: the one that is there is removed first.
    pub(crate) fn anew(mut self) -> Self {
        let canary =
            |applied: &&mut Applied| applied.object.label(label::TRACK) == Some(Track::Canary.as_str());
        for applied in self.foreseen.iter_mut().filter(canary) {
            applied.change = Change::Created;
        }
        self
    }
}

/// Who asked for this version and why.
pub(crate) fn marks(caller: &Caller) -> Marks {
    vec![(annotation::CALLER, caller.name().to_owned()), (annotation::REASON, caller.reason().to_owned())]
}

/// Whether it runs a version. A canary's copies of configuration, and its Services, have a track too.
pub(crate) fn is_workload(object: &Object) -> bool {
    let other = object.api_version() == "v1" && matches!(object.kind(), "ConfigMap" | "Secret" | "Service");
    object.label(label::TRACK).is_some() && !other
}

/// What a workload's pods are made by.
pub(crate) fn pods(workload: &Object) -> Option<&Value> {
    workload.as_value().pointer("/spec/template")
}

pub(crate) fn annotate(
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
