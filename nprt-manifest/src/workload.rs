//! Where the pods of each kind of workload are described.

use nprt_core::model::Object;
use nprt_core::{Error, Result};
use serde_json::{Map, Value};

use super::settings::Settings;

/// A kind of Kubernetes' own that runs pods.
pub(super) struct BuiltIn {
    pub(super) group: &'static str,
    pub(super) kind: &'static str,
    /// The path of what has `metadata` and `spec` of a pod.
    template: &'static [&'static str],
    pub(super) scaled: Scaled,
}

/// Whether a kind has `spec.replicas` and `spec.selector.matchLabels`, so that two of them can stand side
/// by side.
#[derive(PartialEq, Eq)]
pub(super) enum Scaled {
    BySelector,
    Otherwise,
}

const fn built_in(
    group: &'static str,
    kind: &'static str,
    template: &'static [&'static str],
    scaled: Scaled,
) -> BuiltIn {
    BuiltIn { group, kind, template, scaled }
}

pub(super) const BUILT_IN: &[BuiltIn] = &[
    built_in("", "Pod", &[], Scaled::Otherwise),
    built_in("", "ReplicationController", &["spec", "template"], Scaled::Otherwise),
    built_in("apps", "Deployment", &["spec", "template"], Scaled::BySelector),
    built_in("apps", "StatefulSet", &["spec", "template"], Scaled::BySelector),
    built_in("apps", "ReplicaSet", &["spec", "template"], Scaled::BySelector),
    built_in("apps", "DaemonSet", &["spec", "template"], Scaled::Otherwise),
    built_in("batch", "Job", &["spec", "template"], Scaled::Otherwise),
    built_in("batch", "CronJob", &["spec", "jobTemplate", "spec", "template"], Scaled::Otherwise),
];

pub(super) const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// `group/kind`, as the settings name kinds.
pub(super) fn group_kind(object: &Object) -> String {
    format!("{}/{}", object.id().group(), object.kind())
}

/// The path of the pod template of `object`; `None` for what runs no pods.
///
/// # Errors
/// `Invalid` for a workload of Kubernetes' own without one.
pub(super) fn template_path(object: &Object, settings: &Settings) -> Result<Option<Vec<String>>> {
    let id = object.id();
    let known = BUILT_IN.iter().find(|known| known.group == id.group() && known.kind == id.kind);
    if let Some(known) = known {
        let path = known.template.iter().map(|&key| key.to_owned()).collect::<Vec<_>>();
        let pod = get(object.as_value(), &path).and_then(|template| template.get("spec"));
        if !pod.is_some_and(Value::is_object) {
            let field = path.iter().map(String::as_str).chain(["spec"]).collect::<Vec<_>>().join(".");
            return Err(Error::invalid("manifest.render", "expected a map").with("field", field));
        }
        return Ok(Some(path));
    }
    let configured = settings.pod_templates.get(&group_kind(object));
    let path: Option<Vec<String>> = configured.map(|path| path.split('.').map(str::to_owned).collect());
    // A custom kind may go without, such as an Argo Rollout with a `workloadRef`.
    Ok(path.filter(|path| get(object.as_value(), path).is_some_and(Value::is_object)))
}

/// What stands at `path`.
pub(super) fn get<'a, P: AsRef<str>>(value: &'a Value, path: &[P]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key.as_ref()))
}

/// The map at `path`, made where there is none (or `null`).
///
/// # Errors
/// `Invalid`, naming the path, where something else stands there.
pub(super) fn map_at<'a, P: AsRef<str>>(
    value: &'a mut Value,
    path: &[P],
) -> Result<&'a mut Map<String, Value>> {
    let mut place = value;
    for (depth, key) in path.iter().enumerate() {
        place = as_map(place)
            .ok_or_else(|| not_a("map", &path[..depth]))?
            .entry(key.as_ref())
            .or_insert(Value::Null);
    }
    as_map(place).ok_or_else(|| not_a("map", path))
}

fn as_map(value: &mut Value) -> Option<&mut Map<String, Value>> {
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut()
}

/// The list under `key`, made where there is none (or `null`).
///
/// # Errors
/// `Invalid`, naming the field, where something else stands there.
pub(super) fn list_in<'a>(map: &'a mut Map<String, Value>, key: &str) -> Result<&'a mut Vec<Value>> {
    let value = map.entry(key).or_insert(Value::Null);
    if value.is_null() {
        *value = Value::Array(Vec::new());
    }
    value.as_array_mut().ok_or_else(|| not_a("list", &[key]))
}

fn not_a<P: AsRef<str>>(expected: &str, path: &[P]) -> Error {
    let path: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
    Error::invalid("manifest.render", format!("expected a {expected}")).with("field", path.join("."))
}

/// All containers of a pod template, in the order in which they start.
pub(super) fn containers(template: &Value) -> impl Iterator<Item = &Value> {
    CONTAINERS.into_iter().filter_map(|field| template.get("spec")?.get(field)?.as_array()).flatten()
}

/// Calls `change` with each container of a pod template.
///
/// # Errors
/// Those of `change`, with the container's name; `Invalid` where containers are no list of maps.
pub(super) fn each_container(
    template: &mut Value,
    mut change: impl FnMut(&mut Map<String, Value>) -> Result<()>,
) -> Result<()> {
    for field in CONTAINERS {
        let Some(value) = template.get_mut("spec").and_then(|spec| spec.get_mut(field)) else { continue };
        if value.is_null() {
            continue;
        }
        for (index, value) in
            value.as_array_mut().ok_or_else(|| not_a("list", &[field]))?.iter_mut().enumerate()
        {
            let container =
                value.as_object_mut().ok_or_else(|| not_a("map", &[format!("{field}[{index}]")]))?;
            let name = container
                .get("name")
                .and_then(Value::as_str)
                .map_or_else(|| format!("{field}[{index}]"), str::to_owned);
            change(container).map_err(|error| error.with("container", name))?;
        }
    }
    Ok(())
}
