//! Objects that a real API server accepts.

use serde_json::{Value, json};

use crate::model::{Object, ServiceName};

pub(super) fn object(value: Value) -> Object {
    Object::new(value).expect("an object")
}

/// A ConfigMap with `data`.
pub(super) fn config(service: &ServiceName, data: &Value) -> Object {
    object(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": service, "labels": {"nprt.dev/service": service}},
        "data": data,
    }))
}

/// A Deployment of `replicas` pods of the image `app:tag`.
pub(super) fn deployment(service: &ServiceName, replicas: u64, tag: &str) -> Object {
    let labels = json!({"app": service, "nprt.dev/service": service, "nprt.dev/track": "stable"});
    object(json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": service, "labels": labels},
        "spec": {
            "replicas": replicas,
            "progressDeadlineSeconds": 5,
            "selector": {"matchLabels": {"app": service}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "app", "image": format!("registry.invalid/app:{tag}")}]},
            },
        },
    }))
}

/// A Job of one pod, which behaves so.
pub(super) fn job(service: &ServiceName, behaviour: &str) -> Object {
    let labels = json!({"nprt.dev/service": service});
    object(json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": service, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "template": {
                "metadata": {"labels": labels, "annotations": {"sim/behaviour": behaviour}},
                "spec": {
                    "restartPolicy": "Never",
                    "containers": [{"name": "app", "image": "registry.invalid/app:1"}],
                },
            },
        },
    }))
}

/// A Service for the pods of [`deployment`].
pub(super) fn endpoint(service: &ServiceName) -> Object {
    object(json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": service, "labels": {"nprt.dev/service": service}},
        "spec": {"selector": {"app": service}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
    }))
}

/// `object` with `value` at `pointer`, whose parent is there.
pub(super) fn with(mut object: Object, pointer: &str, value: Value) -> Object {
    let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
    let parent = object.as_value_mut().pointer_mut(parent).and_then(Value::as_object_mut);
    parent.expect("the parent is there").insert(field.replace("~1", "/"), value);
    object
}

/// What tells whether an object was written.
pub(super) fn version(object: &Object) -> &str {
    let version = object.as_value().pointer("/metadata/resourceVersion").and_then(Value::as_str);
    version.expect("a live object has a resource version")
}
