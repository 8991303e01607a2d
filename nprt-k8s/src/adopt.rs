//! Whose fields an apply may take: those that kubectl wrote without server-side apply become ours first, so
//! that one that the manifest drops later is dropped in the cluster; those of the managers that the policy
//! names are taken by force. All others are conflicts.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::apply::pin;
use crate::client::{Client, MANAGER, Place};
use crate::error::Failure;
use crate::fields::{self, at};

/// The managers of `kubectl apply` (client-side) and `kubectl create`.
const KUBECTL: [&str; 2] = ["kubectl-client-side-apply", "kubectl-create"];
/// Who owns what was there before the server knew owners.
const BEFORE: &str = "before-first-apply";
/// The annotation in which `kubectl apply` keeps what it was given.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

impl Client {
    /// What applying `body` would make of the object. A conflict with fields that [`write`](Client::write)
    /// would take is none.
    pub(crate) async fn predict(
        &self,
        operation: &'static str,
        place: &Place,
        body: &Value,
        before: Option<&Value>,
    ) -> Result<Value, Failure> {
        let answer = self.patch(operation, place, body, true, false).await;
        match (answer, before) {
            (Err(refusal), Some(before)) if refusal.is_conflict() && !refusal.is_outdated() => {
                let after = self.patch(operation, place, body, true, true).await?;
                if self.may_force(before, &after) { Ok(after) } else { Err(refusal) }
            }
            (answer, _) => answer,
        }
    }

    /// Applies `body` to the object, which was `before`. What is built on an object that is another by now is
    /// refused, at each step.
    pub(crate) async fn write(
        &self,
        operation: &'static str,
        place: &Place,
        mut body: Value,
        before: Option<&Value>,
    ) -> Result<Value, Failure> {
        let Some(before) = before else { return self.patch(operation, place, &body, false, false).await };
        let mut now = Cow::Borrowed(before);
        if let Some(owners) = adopted(before) {
            // What is refused changes nothing, not even owners.
            self.predict(operation, place, &body, Some(before)).await?;
            now = Cow::Owned(self.adopt(operation, place, before, owners).await?);
            pin(&mut body, Some(&now));
        }
        match self.patch(operation, place, &body, false, false).await {
            Err(refusal) if refusal.is_conflict() && !refusal.is_outdated() && !self.forced.is_empty() => {
                let after = self.patch(operation, place, &body, true, true).await?;
                if !self.may_force(&now, &after) {
                    return Err(refusal);
                }
                self.patch(operation, place, &body, false, true).await
            }
            answer => answer,
        }
    }

    /// Makes `owners` those of the object's fields: ours what was kubectl's. No value changes.
    async fn adopt(
        &self,
        operation: &'static str,
        place: &Place,
        live: &Value,
        owners: Vec<Value>,
    ) -> Result<Value, Failure> {
        let mut patch = json!({"metadata": {"managedFields": owners}});
        pin(&mut patch, Some(live));
        self.merge(operation, place, &patch).await
    }

    /// Whether an apply by force, which made `after` of `before`, took fields from nobody but kubectl and
    /// those whom the policy names. The server answers with who owns what then.
    fn may_force(&self, before: &Value, after: &Value) -> bool {
        let owners = adopted(before).unwrap_or_else(|| entries(before).cloned().collect());
        let others = owners.iter().filter(|entry| {
            let forced = self.forced.iter().any(|manager| is(entry, "manager", manager));
            // Controllers write the status all the time; an apply does not reach it.
            !forced && !is_ours(entry) && !is(entry, "subresource", "status")
        });
        let same = |a: &Value, b: &Value| {
            ["manager", "operation", "apiVersion", "subresource"].iter().all(|key| a.get(key) == b.get(key))
        };
        others.into_iter().all(|entry| {
            let now = entries(after).find(|now| same(entry, now)).and_then(|now| now.get("fieldsV1"));
            entry.get("fieldsV1").is_none_or(|owned| now.is_some_and(|now| fields::contains(now, owned)))
        })
    }
}

/// The owners (`managedFields`) of `live` once its fields of kubectl's are ours; `None` where it has none.
///
/// Of what was there before the server knew owners, only what `kubectl apply` was given is taken: the rest
/// may be a controller's. An entry of another version of the API than ours stays: its fields may have other
/// names.
pub(crate) fn adopted(live: &Value) -> Option<Vec<Value>> {
    let configuration = last_applied(live);
    let mut ours = entries(live).find(|entry| is_ours(entry)).cloned();
    let (mut others, mut found) = (Vec::new(), false);
    for entry in entries(live).filter(|entry| !is_ours(entry)) {
        let version = ours.as_ref().and_then(|ours| ours.get("apiVersion"));
        let same_version = version.is_none() || version == entry.get("apiVersion");
        let owned = entry.get("fieldsV1").filter(|_| same_version && is_update(entry));
        let (taken, left) = match (owned, &configuration) {
            (Some(owned), _) if KUBECTL.iter().any(|name| is(entry, "manager", name)) => {
                (owned.clone(), json!({}))
            }
            (Some(owned), Some(configuration)) if is(entry, "manager", BEFORE) => {
                fields::split(owned, configuration)
            }
            _ => (json!({}), json!({})),
        };
        if taken.as_object().is_none_or(Map::is_empty) {
            others.push(entry.clone());
            continue;
        }
        found = true;
        let ours = ours.get_or_insert_with(|| claim(entry));
        fields::unite(&mut ours["fieldsV1"], &taken);
        if left.as_object().is_some_and(|left| !left.is_empty()) {
            let mut entry = entry.clone();
            entry["fieldsV1"] = left;
            others.push(entry);
        }
    }
    others.extend(ours);
    found.then_some(others)
}

/// The set of fields that we have applied, as the server keeps it (`fieldsV1`).
pub(crate) fn ours(object: &Value) -> Option<&Value> {
    entries(object).find(|entry| is_ours(entry))?.get("fieldsV1")
}

/// An entry of ours, of no field yet, in the version of `entry`.
fn claim(entry: &Value) -> Value {
    json!({"manager": MANAGER, "operation": "Apply", "apiVersion": entry.get("apiVersion"),
        "time": entry.get("time"), "fieldsType": "FieldsV1", "fieldsV1": {}})
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

fn is(entry: &Value, field: &str, expected: &str) -> bool {
    entry.get(field).is_some_and(|text| text == expected)
}

pub(crate) fn is_ours(entry: &Value) -> bool {
    is(entry, "manager", MANAGER) && is(entry, "operation", "Apply") && entry.get("subresource").is_none()
}

fn is_update(entry: &Value) -> bool {
    is(entry, "operation", "Update") && entry.get("subresource").is_none()
}
