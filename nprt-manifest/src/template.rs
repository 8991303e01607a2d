//! The pod template of an object: what has `metadata` and `spec` of a pod. [`TemplatePath`] says where it is,
//! [`PodTemplate`] changes it in place.

use std::fmt;

use nprt_core::model::Object;
use nprt_core::{Error, Result};
use serde_json::{Map, Value};

use super::fields::{get, map_within, not_a, value_at};
use super::settings::Settings;
use super::workload::{BUILT_IN, group_kind};

pub(super) const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Where the pod template is in an object, and in every other object of its kind: `spec.template`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TemplatePath(Vec<String>);

impl TemplatePath {
    /// The object itself: a Pod, or what has `metadata` like one.
    pub(super) const WHOLE: Self = Self(Vec::new());

    /// That of `object`; `None` for what runs no pods.
    ///
    /// # Errors
    /// `Invalid` for a workload of Kubernetes' own without a pod template.
    pub(super) fn of(object: &Object, settings: &Settings) -> Result<Option<Self>> {
        let id = object.id();
        let known = BUILT_IN.iter().find(|known| known.group == id.group() && known.kind == id.kind);
        if let Some(known) = known {
            let path = Self(known.template.iter().map(|&key| key.to_owned()).collect());
            let pod = path.find(object.as_value()).and_then(|template| template.get("spec"));
            if !pod.is_some_and(Value::is_object) {
                let field = path.0.iter().map(String::as_str).chain(["spec"]).collect::<Vec<_>>().join(".");
                return Err(Error::invalid("manifest.render", "expected a map").with("field", field));
            }
            return Ok(Some(path));
        }
        let configured = settings.pod_templates.get(&group_kind(object));
        let path = configured.map(|path| Self(path.split('.').map(str::to_owned).collect()));
        // A custom kind may go without, such as an Argo Rollout with a `workloadRef`.
        Ok(path.filter(|path| path.find(object.as_value()).is_some_and(Value::is_object)))
    }

    /// Whether the object is the pod template itself.
    pub(super) fn is_whole(&self) -> bool {
        self.0.is_empty()
    }

    /// The pod template in `object`, to read.
    pub(super) fn find<'a>(&self, object: &'a Value) -> Option<&'a Value> {
        get(object, &self.0)
    }

    /// The pod template in `object`, to change.
    ///
    /// # Errors
    /// `Invalid`, naming the path, where something other than a map is there.
    pub(super) fn template<'a>(&'a self, object: &'a mut Value) -> Result<PodTemplate<'a>> {
        Ok(PodTemplate { path: self, value: value_at(object, &self.0)? })
    }
}

impl fmt::Display for TemplatePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// A pod template within its object. What is changed by it is changed in the object.
pub(super) struct PodTemplate<'a> {
    path: &'a TemplatePath,
    value: &'a mut Value,
}

impl PodTemplate<'_> {
    /// The template as a value.
    pub(super) fn value(&mut self) -> &mut Value {
        self.value
    }

    /// The labels of its pods.
    ///
    /// # Errors
    /// `Invalid`, naming the field, where something other than a map is there.
    pub(super) fn labels(&mut self) -> Result<&mut Map<String, Value>> {
        self.metadata("labels")
    }

    /// The annotations of its pods.
    ///
    /// # Errors
    /// As for [`labels`](Self::labels).
    pub(super) fn annotations(&mut self) -> Result<&mut Map<String, Value>> {
        self.metadata("annotations")
    }

    fn metadata(&mut self, field: &str) -> Result<&mut Map<String, Value>> {
        map_within(self.value, &self.path.0, &["metadata", field])
    }

    /// Calls `change` with each container, in the order in which they start.
    ///
    /// # Errors
    /// Those of `change`, with the container's name; `Invalid` where containers are no list of maps.
    pub(super) fn each_container(
        &mut self,
        mut change: impl FnMut(&mut Map<String, Value>) -> Result<()>,
    ) -> Result<()> {
        for field in CONTAINERS {
            let Some(value) = self.value.get_mut("spec").and_then(|spec| spec.get_mut(field)) else {
                continue;
            };
            if value.is_null() {
                continue;
            }
            let containers = value.as_array_mut().ok_or_else(|| not_a("list", &[field]))?;
            for (index, value) in containers.iter_mut().enumerate() {
                let place = || format!("{field}[{index}]");
                let container = value.as_object_mut().ok_or_else(|| not_a("map", &[place()]))?;
                let name = container.get("name").and_then(Value::as_str).map_or_else(place, str::to_owned);
                change(container).map_err(|error| error.with("container", name))?;
            }
        }
        Ok(())
    }
}

/// All containers of a pod template, in the order in which they start.
pub(super) fn containers(template: &Value) -> impl Iterator<Item = &Value> {
    CONTAINERS.into_iter().filter_map(|field| template.get("spec")?.get(field)?.as_array()).flatten()
}
