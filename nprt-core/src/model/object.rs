use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Error, Result};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A Kubernetes object as JSON, with `apiVersion`, `kind` and `metadata.name` known to be there. All else
/// passes through untouched, unknown kinds and fields included.
/// `Debug` shows it [redacted](Object::redacted).
#[derive(Clone, PartialEq)]
pub struct Object(Value);

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Object").field(&self.redacted()).finish()
    }
}

/// What identifies an object in a cluster. It prints as `Kind/name`, or `Kind/namespace/name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectId {
    /// Group and version, such as `apps/v1`.
    pub api_version: String,
    /// The kind, such as `Deployment`.
    pub kind: String,
    /// The namespace, where the object names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl ObjectId {
    /// The group of its API, empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// The same object, in `namespace` if it names none.
    #[must_use]
    pub fn or_in(mut self, namespace: &str) -> Self {
        self.namespace.get_or_insert_with(|| namespace.to_owned());
        self
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{}/{namespace}/{}", self.kind, self.name),
            None => write!(f, "{}/{}", self.kind, self.name),
        }
    }
}

impl Object {
    /// Takes `value` as an object.
    ///
    /// # Errors
    /// `Invalid`, naming the field, when `apiVersion`, `kind` or `metadata.name` is missing or no text, or
    /// when `metadata.namespace`, `metadata.labels` or `metadata.annotations` has the wrong type.
    pub fn new(value: Value) -> Result<Self> {
        for field in ["/apiVersion", "/kind", "/metadata/name"] {
            if value.pointer(field).and_then(Value::as_str).is_none_or(str::is_empty) {
                return Err(Error::invalid("object", "expected a text")
                    .with("field", field.trim_start_matches('/').replace('/', ".")));
            }
        }
        let namespace = value.pointer("/metadata/namespace");
        if namespace.is_some_and(|namespace| !namespace.is_string() && !namespace.is_null()) {
            return Err(Error::invalid("object", "expected a text").with("field", "metadata.namespace"));
        }
        for field in ["/metadata/labels", "/metadata/annotations"] {
            let map = value.pointer(field);
            if map.is_some_and(|map| !map.is_object() && !map.is_null()) {
                return Err(Error::invalid("object", "expected a map")
                    .with("field", field.trim_start_matches('/').replace('/', ".")));
            }
        }
        Ok(Self(value))
    }

    fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// Group and version, such as `apps/v1`.
    #[must_use]
    pub fn api_version(&self) -> &str {
        self.text("/apiVersion")
    }

    /// The kind, such as `Deployment`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text("/kind")
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// The namespace, where the object names one.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.0.pointer("/metadata/namespace").and_then(Value::as_str)
    }

    /// What identifies it.
    #[must_use]
    pub fn id(&self) -> ObjectId {
        ObjectId {
            api_version: self.api_version().to_owned(),
            kind: self.kind().to_owned(),
            namespace: self.namespace().map(str::to_owned),
            name: self.name().to_owned(),
        }
    }

    /// Whether this is an autoscaler that sets the replicas of `workload`: a HorizontalPodAutoscaler, or a
    /// ScaledObject of KEDA. That both are in one namespace is for the caller to know.
    #[must_use]
    pub fn scales(&self, workload: &ObjectId) -> bool {
        // What the target is where the autoscaler does not say.
        let (api_version, kind) = match (self.id().group(), self.kind()) {
            ("autoscaling", "HorizontalPodAutoscaler") => ("", ""),
            ("keda.sh", "ScaledObject") => ("apps/v1", "Deployment"),
            _ => return false,
        };
        let Some(target) = self.0.pointer("/spec/scaleTargetRef") else { return false };
        let text = |field| target.get(field).and_then(Value::as_str);
        let group = text("apiVersion").unwrap_or(api_version).split_once('/').map_or("", |(group, _)| group);
        (group, text("kind").unwrap_or(kind)) == (workload.group(), workload.kind.as_str())
            && text("name") == Some(workload.name.as_str())
    }

    /// A label's value.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&str> {
        self.metadata("labels")?.get(key)?.as_str()
    }

    /// An annotation's value.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata("annotations")?.get(key)?.as_str()
    }

    fn metadata(&self, field: &str) -> Option<&Map<String, Value>> {
        self.0.get("metadata")?.get(field)?.as_object()
    }

    /// The JSON.
    #[must_use]
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// The JSON to show to people: the values of a Secret are `***`, also in the copy of them that
    /// `kubectl apply` leaves in an annotation.
    #[must_use]
    pub fn redacted(&self) -> Value {
        let mut value = self.0.clone();
        if self.kind() != "Secret" {
            return value;
        }
        for field in ["/data", "/stringData"] {
            match value.pointer_mut(field) {
                Some(Value::Object(data)) => data.values_mut().for_each(|value| *value = "***".into()),
                Some(other) => *other = "***".into(),
                None => {}
            }
        }
        let annotations = value.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut);
        if let Some(applied) = annotations.and_then(|all| all.get_mut(LAST_APPLIED)) {
            *applied = "***".into();
        }
        value
    }

    /// The JSON, to change. What [`Object::new`] checked must stay true.
    pub fn as_value_mut(&mut self) -> &mut Value {
        &mut self.0
    }

    /// The JSON.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn says_which_field_is_missing() {
        let error = Object::new(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {}})).unwrap_err();
        assert_eq!(error.to_string(), "object: invalid: expected a text (field: metadata.name)");
        let bad = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": []}});
        assert!(Object::new(bad).unwrap_err().to_string().contains("metadata.labels"));
    }

    #[test]
    fn an_autoscaler_says_what_it_scales() {
        let scaler = |api_version: &str, kind: &str, target: Value| {
            Object::new(json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"},
                "spec": {"scaleTargetRef": target}}))
            .unwrap()
        };
        let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"});
        let hpa = scaler("autoscaling/v2", "HorizontalPodAutoscaler", target.clone());
        let keda = scaler("keda.sh/v1alpha1", "ScaledObject", json!({"name": "cart"}));
        let vpa = scaler("autoscaling.k8s.io/v1", "VerticalPodAutoscaler", target);
        let id = |kind: &str, name: &str| ObjectId {
            api_version: "apps/v1".to_owned(),
            kind: kind.to_owned(),
            namespace: None,
            name: name.to_owned(),
        };
        let cart = id("Deployment", "cart");
        assert!(hpa.scales(&cart) && keda.scales(&cart) && !vpa.scales(&cart));
        for other in [id("StatefulSet", "cart"), id("Deployment", "cart-canary")] {
            assert!(!hpa.scales(&other) && !keda.scales(&other), "{other}");
        }
    }

    #[test]
    fn a_secret_shows_its_keys_only() {
        let secret = Object::new(json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "a", "annotations": {LAST_APPLIED: "{data: hunter2}", "b": "c"}},
            "data": {"token": "hunter2"}, "stringData": {"password": "hunter2"},
        }));
        let shown = format!("{:?}", secret.unwrap());
        assert!(
            !shown.contains("hunter2") && shown.contains("token") && shown.contains("password"),
            "{shown}"
        );
    }
}
