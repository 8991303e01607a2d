//! A definition of a kind and objects of that kind in one version. The cluster cannot validate these before the
//! definition is there, so they are planned unseen, and validated once it is: before anything else changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use nprt_core::model::{Object, ObjectId};
use nprt_core::ports::{Applied, Change, Lease};
use nprt_core::{Error, ErrorKind, Result};
use nprt_manifest::{Document, Source};
use serde_json::Value;

use super::job::Job;
use super::plan::Plan;
use super::request::AppliedObject;

const OPERATION: &str = "pipeline.definitions";

/// The pause between two looks whether the kind is served.
const PAUSE: Duration = Duration::from_millis(250);
/// How long the cluster may take to serve a kind whose definition was applied.
const SERVED: Duration = Duration::from_secs(30);
/// How long it may go by a definition that was changed since.
const OUTDATED: Duration = Duration::from_secs(5);

/// Definitions of kinds, by what they serve: group, version and kind.
#[derive(Debug, Default)]
pub(super) struct Definitions(BTreeMap<[String; 3], Arc<Object>>);

impl Definitions {
    /// Those among the documents of a version.
    pub(super) fn among(documents: &[Document]) -> Self {
        Self::new(documents.iter().map(|document| &document.object).filter(|object| is_definition(object)))
    }

    /// Of two that serve the same, the first counts.
    fn new<'a>(definitions: impl Iterator<Item = &'a Object>) -> Self {
        let mut by_kind = BTreeMap::new();
        for definition in definitions {
            let shared = Arc::new(definition.clone());
            for served in served(definition) {
                by_kind.entry(served).or_insert_with(|| Arc::clone(&shared));
            }
        }
        Self(by_kind)
    }

    fn of(&self, id: &ObjectId) -> Option<&Arc<Object>> {
        let version = id.api_version.rsplit('/').next().unwrap_or_default();
        self.0.get(&[id.group(), version, &id.kind].map(str::to_owned))
    }
}

pub(super) fn is_definition(object: &Object) -> bool {
    object.id().group() == "apiextensions.k8s.io" && object.kind() == "CustomResourceDefinition"
}

/// The kinds that a definition serves: group, version and kind.
fn served(definition: &Object) -> Vec<[String; 3]> {
    let at = |pointer: &str| definition.as_value().pointer(pointer);
    let text = |pointer: &str| at(pointer).and_then(Value::as_str);
    let Some((group, kind)) = text("/spec/group").zip(text("/spec/names/kind")) else { return Vec::new() };
    let versions = at("/spec/versions").and_then(Value::as_array).into_iter().flatten();
    let served = versions.filter(|version| version["served"] == true);
    let names = served.filter_map(|version| version["name"].as_str());
    names.map(|version| [group, version, kind].map(str::to_owned)).collect()
}

impl Plan {
    /// The objects whose definitions the plan makes or changes, with these.
    fn awaiting(&self) -> Vec<(&Object, Arc<Object>)> {
        let changes = |(object, foreseen): &(&Object, &Applied)| {
            is_definition(object) && foreseen.change != Change::Unchanged
        };
        let definitions = Definitions::new(self.steps().filter(changes).map(|(object, _)| object));
        let awaits = |object| Some((object, Arc::clone(definitions.of(&Object::id(object))?)));
        self.objects.iter().filter_map(awaits).collect()
    }

    /// What a person should know of objects that the cluster could not validate yet.
    pub(super) fn unseen(&self) -> Vec<String> {
        let said = |(object, definition): (&Object, Arc<Object>)| {
            let (object, definition) = (object.id(), definition.name());
            format!(
                "{object}: is validated once its definition {definition} is applied, before anything else changes"
            )
        };
        self.awaiting().into_iter().map(said).collect()
    }
}

impl Job<'_> {
    /// What applying `object` would do, also where only a definition that comes with it makes it acceptable: that is
    /// foreseen unseen.
    pub(super) async fn foreseen(
        &self,
        source: &Source,
        object: &Object,
        definitions: &Definitions,
    ) -> Result<Applied> {
        let refused = match self.accepted(source, object).await {
            Err(error) if error.is_invalid() || error.kind() == ErrorKind::Rejected => error,
            done => return done,
        };
        let Some(definition) = definitions.of(&object.id()) else { return Err(refused) };
        if self.ports.cluster.dry_run(definition).await?.change == Change::Unchanged {
            return Err(refused);
        }
        // A kind that is not known has no objects.
        let before = if refused.is_invalid() { None } else { self.ports.cluster.get(&object.id()).await? };
        let change = if before.is_some() { Change::Configured } else { Change::Created };
        let unseen = Applied { object: self.placed(object, definition), change, before, adopts: Vec::new() };
        self.check_accepted(source, unseen)
    }

    /// The object in the namespace that the cluster will give it.
    fn placed(&self, object: &Object, definition: &Object) -> Object {
        let mut placed = object.clone();
        if definition.as_value().pointer("/spec/scope").and_then(Value::as_str) == Some("Namespaced")
            && let Some(metadata) = placed.as_value_mut().get_mut("metadata").and_then(Value::as_object_mut)
        {
            metadata.insert("namespace".to_owned(), self.ports.cluster.namespace().into());
        }
        placed
    }

    /// Applies the plan's definitions of kinds, and has the cluster validate what waits for them. Where nothing does,
    /// they are applied with everything else.
    ///
    /// # Errors
    /// `Rejected` by the cluster, and `Timeout` where it does not serve a kind in time. Beside the definitions,
    /// nothing was changed.
    pub(super) async fn define(&self, lease: &Lease, plan: &Plan) -> Result<Vec<AppliedObject>> {
        let awaiting = plan.awaiting();
        if awaiting.is_empty() {
            return Ok(Vec::new());
        }
        let definitions = plan.steps().filter(|(object, _)| is_definition(object));
        let applied = self.apply(lease, definitions).await?;
        try_join_all(awaiting.iter().map(|(object, definition)| self.validate(object, definition))).await?;
        Ok(applied)
    }

    async fn validate(&self, object: &Object, definition: &Object) -> Result<()> {
        let began = self.clock.elapsed();
        loop {
            let error = match self.again(|| self.ports.cluster.dry_run(object)).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            let patience = match error.kind() {
                ErrorKind::Invalid => SERVED,
                ErrorKind::Rejected => OUTDATED,
                _ => return Err(error),
            };
            let waited = self.clock.elapsed().saturating_sub(began);
            if waited < patience {
                self.clock.sleep(PAUSE).await;
                continue;
            }
            if !error.is_invalid() {
                return Err(error);
            }
            let why = self.why_not_served(definition).await;
            let message = "the cluster does not serve the kind, although its definition was applied";
            return Err(Error::new(ErrorKind::Timeout, OPERATION, message)
                .with_retry(nprt_core::Retry::Exhausted)
                .with("object", object.id())
                .with("definition", definition.id())
                .with("waited", format_args!("{} s", waited.as_secs()))
                .with("why", why));
        }
    }

    /// What the definition says of itself.
    async fn why_not_served(&self, definition: &Object) -> String {
        let live = self.ports.cluster.get(&definition.id()).await.ok().flatten();
        let conditions = live.as_ref().and_then(|live| live.as_value().pointer("/status/conditions"));
        let conditions = conditions.and_then(Value::as_array).into_iter().flatten();
        let bad = conditions.filter(|condition| condition["status"] == "False");
        let said: Vec<&str> = bad.filter_map(|condition| condition["message"].as_str()).collect();
        if said.is_empty() { "it does not say".to_owned() } else { said.join("; ") }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_definition_serves_its_group_kind_and_served_versions_alone() {
        let definition = Object::new(json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "widgets.example.com"},
            "spec": {"group": "example.com", "names": {"kind": "Widget"}, "versions": [
                {"name": "v1", "served": true}, {"name": "v1beta1", "served": false}]},
        }))
        .unwrap();
        let id = |api_version: &str, kind: &str| ObjectId {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: None,
            name: "a".to_owned(),
        };
        let definitions = Definitions::new([&definition].into_iter());
        assert!(definitions.of(&id("example.com/v1", "Widget")).is_some());
        for other in [("example.com/v1beta1", "Widget"), ("example.com/v1", "Gadget"), ("v1", "Widget")] {
            assert!(definitions.of(&id(other.0, other.1)).is_none(), "{other:?}");
        }
    }

    #[test]
    fn ten_times_the_kinds_take_about_ten_times_as_long() {
        let time = |count: usize| {
            let mut plan = Plan::default();
            for n in 0..count {
                let definition = json!({
                    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                    "metadata": {"name": format!("widgets{n}.example.com")},
                    "spec": {"group": "example.com", "names": {"kind": format!("Widget{n}")},
                             "versions": [{"name": "v1", "served": true}]},
                });
                let widget = json!({"apiVersion": "example.com/v1", "kind": format!("Widget{n}"), "metadata": {"name": "a"}});
                for object in [definition, widget].map(|object| Object::new(object).unwrap()) {
                    let (change, adopts) = (Change::Created, Vec::new());
                    plan.foreseen.push(Applied { object: object.clone(), change, before: None, adopts });
                    plan.objects.push(object);
                }
            }
            let began = std::time::Instant::now();
            assert_eq!(plan.awaiting().len(), count);
            began.elapsed()
        };
        // The best of several: the machine has other things to do.
        let (few, many) = ((0..3).map(|_| time(300)).min().unwrap(), time(3_000));
        // What is quadratic takes a hundred times as long.
        assert!(many.as_secs_f64() / few.as_secs_f64() < 30.0, "{few:?} and {many:?}");
    }
}
