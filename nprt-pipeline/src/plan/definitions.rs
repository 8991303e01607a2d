//! A definition of a kind and objects of that kind in one version. The cluster cannot validate these before the
//! definition is there, so they are planned unseen, and validated once it is: before anything else changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use nprt_core::model::{Object, ObjectId};
use nprt_core::ports::{Applied, Change};
use nprt_manifest::Document;
use serde_json::Value;

use crate::plan::planned::Plan;

/// Definitions of kinds, by what they serve: group, version and kind.
#[derive(Debug, Default)]
pub(crate) struct Definitions(BTreeMap<[String; 3], Arc<Object>>);

impl Definitions {
    /// Those among the documents of a version.
    pub(crate) fn among(documents: &[Document]) -> Self {
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

    pub(crate) fn of(&self, id: &ObjectId) -> Option<&Arc<Object>> {
        let version = id.api_version.rsplit('/').next().unwrap_or_default();
        self.0.get(&[id.group(), version, &id.kind].map(str::to_owned))
    }
}

pub(crate) fn is_definition(object: &Object) -> bool {
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
    pub(crate) fn awaiting(&self) -> Vec<(&Object, Arc<Object>)> {
        let changes = |(object, foreseen): &(&Object, &Applied)| {
            is_definition(object) && foreseen.change != Change::Unchanged
        };
        let definitions = Definitions::new(self.steps().filter(changes).map(|(object, _)| object));
        let awaits = |object| Some((object, Arc::clone(definitions.of(&Object::id(object))?)));
        self.objects.iter().filter_map(awaits).collect()
    }

    /// What a person should know of objects that the cluster could not validate yet.
    pub(crate) fn unseen(&self) -> Vec<String> {
        let said = |(object, definition): (&Object, Arc<Object>)| {
            let (object, definition) = (object.id(), definition.name());
            format!(
                "{object}: is validated once its definition {definition} is applied, before anything else changes"
            )
        };
        self.awaiting().into_iter().map(said).collect()
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
