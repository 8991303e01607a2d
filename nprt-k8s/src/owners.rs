//! Who owns the fields of an object (`managedFields`), and whose of them an apply takes over.
//!
//! - What the tool by which the object was made has is ours from then on, so that what the manifest lacks is
//!   dropped: `kubectl apply` of both kinds, `kubectl create` and its like, Helm.
//! - What people changed with kubectl before we first applied the object (`kubectl set`, `edit`, `scale`) is ours
//!   where the manifest names it, as `kubectl apply` would have it, and stays where it does not.
//! - All else stays with its owner: controllers, operators, other tools, and people once the object is ours.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::fields::{self, at};

/// The name under which the fields that we apply are owned.
pub(crate) const MANAGER: &str = "nprt";

/// Those who make whole objects by requests of any kind but an apply of the server's.
const MAKERS: [&str; 8] = [
    "kubectl-client-side-apply",
    "kubectl-create",
    "kubectl-replace",
    "kubectl-run",
    "kubectl-expose",
    "kubectl-autoscale",
    // The annotation of `kubectl apply`, as `kubectl apply --server-side` keeps it.
    "kubectl-last-applied",
    "helm",
];
/// Those who make them by server-side apply: `kubectl apply --server-side`, Helm 4.
const APPLIERS: [&str; 2] = ["kubectl", "helm"];
/// Who owns what was there before the server knew owners.
const BEFORE: &str = "before-first-apply";
/// The annotation in which `kubectl apply` keeps what it was given.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The owners of an object once an apply has taken over what it may.
#[derive(Debug, Clone)]
pub(crate) struct Taking {
    /// The owners then, ours among them.
    pub(crate) owners: Vec<Value>,
    /// From whom fields are taken.
    pub(crate) from: BTreeSet<String>,
    /// Whether anything is another's than before.
    pub(crate) differs: bool,
}

impl Taking {
    /// What an apply of `body` to `live` takes over; without a body, all that any apply would.
    ///
    /// An entry of another version of the API than ours stays: its fields may have other names.
    pub(crate) fn of(live: &Value, body: Option<&Value>) -> Self {
        let configuration = last_applied(live);
        let mut ours = entries(live).find(|entry| is_ours(entry)).cloned();
        let is_first = ours.is_none();
        let (mut owners, mut from) = (Vec::new(), BTreeSet::new());
        for entry in entries(live).filter(|entry| !is_ours(entry)) {
            let version = ours.as_ref().and_then(|ours| ours.get("apiVersion"));
            let same_version = version.is_none() || version == entry.get("apiVersion");
            let owned = entry.get("fieldsV1").filter(|_| same_version).cloned().unwrap_or_default();
            let none = json!({});
            let (taken, left) = match share(entry, is_first) {
                Share::All => (owned, none),
                Share::Named => body.map_or((owned.clone(), none), |body| fields::split(&owned, body)),
                Share::Applied => match &configuration {
                    Some(configuration) => fields::split(&owned, configuration),
                    None => (none, owned),
                },
                Share::None => (none, owned),
            };
            if fields::steps(&taken).is_none() {
                owners.push(entry.clone());
                continue;
            }
            from.extend(entry.get("manager").and_then(Value::as_str).map(str::to_owned));
            fields::unite(&mut ours.get_or_insert_with(|| claim(entry))["fieldsV1"], &taken);
            if fields::steps(&left).is_some() {
                let mut entry = entry.clone();
                entry["fieldsV1"] = left;
                owners.push(entry);
            }
        }
        owners.extend(ours);
        let differs = !from.is_empty();
        Self { owners, from, differs }
    }

    /// Makes `fields` ours, which nobody owns: an apply that does not name them removes them then. Whether they
    /// were not ours yet.
    pub(crate) fn claim(&mut self, fields: &Value, api_version: &Value) -> bool {
        if !self.owners.iter().any(is_ours) {
            self.owners.push(claim(&json!({"apiVersion": api_version})));
        }
        let Some(ours) = self.owners.iter_mut().find(|entry| is_ours(entry)) else { return false };
        let is_new = !fields::contains(&ours["fieldsV1"], fields);
        fields::unite(&mut ours["fieldsV1"], fields);
        self.differs |= is_new;
        is_new
    }
}

/// How much of an owner's fields is taken over.
enum Share {
    All,
    /// What the manifest names.
    Named,
    /// What `kubectl apply` was given.
    Applied,
    None,
}

fn share(entry: &Value, is_first: bool) -> Share {
    let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default();
    let manager = text("manager");
    match (text("operation"), text("subresource")) {
        ("Update", "") if MAKERS.contains(&manager) => Share::All,
        ("Apply", "") if APPLIERS.contains(&manager) => Share::All,
        // The rest may be a controller's.
        ("Update", "") if manager == BEFORE => Share::Applied,
        ("Update", part) if is_first && part != "status" && is_kubectl(manager) => Share::Named,
        _ => Share::None,
    }
}

fn is_kubectl(manager: &str) -> bool {
    manager == "kubectl" || manager.starts_with("kubectl-")
}

/// An entry of ours, of no field yet, in the version of `entry`.
fn claim(entry: &Value) -> Value {
    let mut ours = json!({"manager": MANAGER, "operation": "Apply", "apiVersion": entry.get("apiVersion"),
        "fieldsType": "FieldsV1", "fieldsV1": {}});
    if let Some(time) = entry.get("time") {
        ours["time"] = time.clone();
    }
    ours
}

/// What `kubectl apply` was given, and its annotation, which goes with the rest.
fn last_applied(live: &Value) -> Option<Value> {
    let annotations = at(at(Some(live), "f:metadata"), "f:annotations")?;
    let text = annotations.get(LAST_APPLIED)?.as_str()?;
    let mut configuration: Value = serde_json::from_str(text).ok()?;
    let metadata = configuration.as_object_mut()?.entry("metadata").or_insert_with(|| json!({}));
    let annotations = metadata.as_object_mut()?.entry("annotations").or_insert_with(|| json!({}));
    if annotations.is_null() {
        *annotations = json!({});
    }
    annotations.as_object_mut()?.insert(LAST_APPLIED.to_owned(), json!(text));
    Some(configuration)
}

/// What the server keeps of each owner.
pub(crate) fn entries(object: &Value) -> impl Iterator<Item = &Value> {
    object.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten()
}

/// The fields of all of `owners` that are so.
pub(crate) fn entries_of(owners: &[Value], are: impl Fn(&Value) -> bool) -> Value {
    let mut all = Value::Object(Map::new());
    let sets = owners.iter().filter(|entry| are(entry)).filter_map(|entry| entry.get("fieldsV1"));
    sets.for_each(|set| fields::unite(&mut all, set));
    all
}

/// The set of fields that we have applied, as the server keeps it (`fieldsV1`).
pub(crate) fn ours(object: &Value) -> Option<&Value> {
    entries(object).find(|entry| is_ours(entry))?.get("fieldsV1")
}

pub(crate) fn is_ours(entry: &Value) -> bool {
    is_of(entry, "Apply")
}

/// Whether `entry` is of our requests by an `operation`.
pub(crate) fn is_of(entry: &Value, operation: &str) -> bool {
    entry["manager"] == MANAGER && entry["operation"] == operation && entry.get("subresource").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, fields: &Value) -> Value {
        json!({"manager": manager, "operation": operation, "apiVersion": "apps/v1", "fieldsV1": fields})
    }

    fn image() -> Value {
        json!({"f:spec": {"f:image": {}, "f:extra": {}}})
    }

    fn taken(entries: &[Value]) -> (Vec<String>, Value) {
        let live = json!({"metadata": {"managedFields": entries}});
        let taking = Taking::of(&live, Some(&json!({"spec": {"image": "a"}})));
        assert_eq!(taking.differs, !taking.from.is_empty());
        (taking.from.into_iter().collect(), entries_of(&taking.owners, is_ours))
    }

    #[test]
    fn those_who_made_an_object_are_taken_over_whole() {
        for (manager, operation) in [
            ("kubectl-client-side-apply", "Update"),
            ("kubectl-create", "Update"),
            ("kubectl", "Apply"),
            ("helm", "Update"),
            ("helm", "Apply"),
        ] {
            let (from, ours) = taken(&[entry(manager, operation, &image())]);
            assert_eq!((from, ours), (vec![manager.to_owned()], image()), "{manager} {operation}");
        }
        for (manager, operation) in [
            ("kubectl-client-side-apply", "Apply"),
            ("kube-controller-manager", "Update"),
            ("argocd-controller", "Apply"),
            ("helm-controller", "Update"),
            ("manager", "Update"),
        ] {
            assert!(taken(&[entry(manager, operation, &image())]).0.is_empty(), "{manager} {operation}");
        }
    }

    #[test]
    fn what_people_changed_is_taken_where_it_is_named_and_only_at_first() {
        let named = json!({"f:spec": {"f:image": {}}});
        for manager in ["kubectl-set", "kubectl-edit", "kubectl-patch", "kubectl"] {
            let (from, ours) = taken(&[entry(manager, "Update", &image())]);
            assert_eq!((from, ours), (vec![manager.to_owned()], named.clone()));
        }
        let status = json!({"manager": "kubectl", "operation": "Update", "subresource": "status", "apiVersion": "apps/v1",
            "fieldsV1": image()});
        assert!(taken(&[status]).0.is_empty(), "a status is not ours");
        let ours = entry("nprt", "Apply", &named);
        assert!(taken(&[entry("kubectl-set", "Update", &image()), ours]).0.is_empty(), "it is ours by now");
    }
}
