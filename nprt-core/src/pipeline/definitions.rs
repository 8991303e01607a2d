//! A definition of a kind and objects of that kind in one version. The cluster cannot validate these before the
//! definition is there, so they are planned unseen, and validated once it is: before anything else changes.

use std::time::Duration;

use futures_util::future::try_join_all;
use serde_json::Value;

use super::job::Job;
use super::plan::Plan;
use super::request::AppliedObject;
use crate::manifest::{Document, Source};
use crate::model::{Object, ObjectId};
use crate::ports::{Applied, Change, Lease};
use crate::{Error, ErrorKind, Result};

const OPERATION: &str = "pipeline.definitions";

/// The pause between two looks whether the kind is served.
const PAUSE: Duration = Duration::from_millis(250);
/// How long the cluster may take to serve a kind whose definition was applied.
const SERVED: Duration = Duration::from_secs(30);
/// How long it may go by a definition that was changed since.
const OUTDATED: Duration = Duration::from_secs(5);

/// The definitions of kinds among the documents of a version.
#[derive(Debug, Default)]
pub(super) struct Definitions(Vec<Object>);

impl Definitions {
    pub(super) fn among(documents: &[Document]) -> Self {
        let objects = documents.iter().map(|document| &document.object);
        Self(objects.filter(|object| is_definition(object)).cloned().collect())
    }

    fn of(&self, id: &ObjectId) -> Option<&Object> {
        self.0.iter().find(|definition| defines(definition, id))
    }
}

pub(super) fn is_definition(object: &Object) -> bool {
    object.id().group() == "apiextensions.k8s.io" && object.kind() == "CustomResourceDefinition"
}

/// Whether `definition` serves objects such as `id`.
fn defines(definition: &Object, id: &ObjectId) -> bool {
    let at = |pointer: &str| definition.as_value().pointer(pointer);
    let version = id.api_version.rsplit('/').next();
    let versions = at("/spec/versions").and_then(Value::as_array);
    let is_served = |served: &Value| served["served"] == true && served["name"].as_str() == version;
    at("/spec/group").and_then(Value::as_str) == Some(id.group())
        && at("/spec/names/kind").and_then(Value::as_str) == Some(&id.kind)
        && versions.is_some_and(|versions| versions.iter().any(is_served))
}

impl Plan {
    /// The objects whose definitions the plan makes or changes, with these.
    fn awaiting(&self) -> impl Iterator<Item = (&Object, &Object)> {
        let changes = |(object, foreseen): &(&Object, &Applied)| {
            is_definition(object) && foreseen.change != Change::Unchanged
        };
        let definitions: Vec<&Object> = self.steps().filter(changes).map(|(object, _)| object).collect();
        self.objects.iter().filter_map(move |object| {
            let definition = definitions.iter().find(|definition| defines(definition, &object.id()))?;
            Some((object, *definition))
        })
    }

    /// What a person should know of objects that the cluster could not validate yet.
    pub(super) fn unseen(&self) -> Vec<String> {
        let said = |(object, definition): (&Object, &Object)| {
            let (object, definition) = (object.id(), definition.name());
            format!(
                "{object}: is validated once its definition {definition} is applied, before anything else changes"
            )
        };
        self.awaiting().map(said).collect()
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
        let awaiting: Vec<(&Object, &Object)> = plan.awaiting().collect();
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
                .with_retry(crate::Retry::Exhausted)
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
        assert!(defines(&definition, &id("example.com/v1", "Widget")));
        for other in [("example.com/v1beta1", "Widget"), ("example.com/v1", "Gadget"), ("v1", "Widget")] {
            assert!(!defines(&definition, &id(other.0, other.1)), "{other:?}");
        }
    }
}
