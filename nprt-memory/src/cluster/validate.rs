//! What an API server refuses on content, as far as it is needed to find a broken manifest: names, labels,
//! selectors and containers. It is no schema: unknown fields pass, and the capabilities say so.

use nprt_core::model::Object;
use nprt_core::ports::remedy;
use nprt_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use super::rollout;

/// Refuses what an API server would refuse.
pub(super) fn validate(old: Option<&Object>, new: &Object) -> Result<()> {
    let checks = [name, labels, config, service];
    checks.iter().try_for_each(|check| check(new.as_value()).map_err(|fault| rejected(new, fault)))?;
    if rollout::is_rolled_out(&new.id()) {
        selector(new.as_value()).map_err(|fault| rejected(new, fault))?;
        if old.is_some_and(|old| old.as_value().pointer(SELECTOR) != new.as_value().pointer(SELECTOR)) {
            return Err(immutable(new, "spec.selector"));
        }
    }
    let template = |object: &Object| object.as_value().pointer("/spec/template").cloned();
    if rollout::is_job(&new.id()) && old.is_some_and(|old| template(old) != template(new)) {
        return Err(immutable(new, "spec.template"));
    }
    if let Some((path, spec)) = pod_spec(new) {
        containers(path, spec).map_err(|fault| rejected(new, fault))?;
    }
    Ok(())
}

const SELECTOR: &str = "/spec/selector";

struct Fault {
    field: String,
    message: String,
}

fn fault(field: impl Into<String>, message: impl Into<String>) -> Fault {
    Fault { field: field.into(), message: message.into() }
}

fn rejected(object: &Object, fault: Fault) -> Error {
    Error::new(ErrorKind::Rejected, "cluster.apply", fault.message)
        .with("object", object.id())
        .with("field", fault.field)
}

fn immutable(object: &Object, field: &str) -> Error {
    let error = rejected(object, fault(field, format!("{field}: field is immutable")));
    match remedy(object, field) {
        Some(to_do) => error.with("to do", to_do),
        None => error,
    }
}

fn name(object: &Value) -> Result<(), Fault> {
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let part = |part: &str| {
        part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    // RBAC names may hold colons.
    if name.len() > 253 || !name.split(['.', ':']).all(part) {
        return Err(fault("metadata.name", format!("{name:?} is no RFC 1123 subdomain")));
    }
    Ok(())
}

fn labels(object: &Value) -> Result<(), Fault> {
    for (pointer, field) in [
        ("/metadata/labels", "metadata.labels"),
        ("/spec/template/metadata/labels", "spec.template.metadata.labels"),
    ] {
        for (key, value) in object.pointer(pointer).and_then(Value::as_object).into_iter().flatten() {
            let valid = value.as_str().is_some_and(is_label_value);
            if !valid {
                return Err(fault(
                    format!("{field}.{key}"),
                    format!("{value} is no label: at most 63 of letters, digits, `-`, `_` and `.`"),
                ));
            }
        }
    }
    Ok(())
}

fn is_label_value(value: &str) -> bool {
    let ends = |b: Option<&u8>| b.is_none_or(u8::is_ascii_alphanumeric);
    value.len() <= 63
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && ends(value.as_bytes().first())
        && ends(value.as_bytes().last())
}

fn config(object: &Value) -> Result<(), Fault> {
    if object.get("kind").and_then(Value::as_str) != Some("ConfigMap") {
        return Ok(());
    }
    for (key, value) in object.get("data").and_then(Value::as_object).into_iter().flatten() {
        if !value.is_string() {
            return Err(fault(format!("data.{key}"), "expected a text"));
        }
    }
    Ok(())
}

fn service(object: &Value) -> Result<(), Fault> {
    if object.get("kind").and_then(Value::as_str) != Some("Service")
        || object.get("apiVersion").and_then(Value::as_str) != Some("v1")
    {
        return Ok(());
    }
    let spec = |field: &str| object.get("spec").and_then(|spec| spec.get(field));
    let portless = spec("clusterIP").and_then(Value::as_str) == Some("None")
        || spec("type").and_then(Value::as_str) == Some("ExternalName");
    if !portless && spec("ports").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        return Err(fault("spec.ports", "a Service needs at least one port"));
    }
    Ok(())
}

fn selector(object: &Value) -> Result<(), Fault> {
    let map = |pointer: &str| object.pointer(pointer).and_then(Value::as_object);
    let expressions = object.pointer("/spec/selector/matchExpressions").is_some();
    let empty = Map::new();
    let wanted = map("/spec/selector/matchLabels").unwrap_or(&empty);
    if wanted.is_empty() && !expressions {
        return Err(fault("spec.selector", "required"));
    }
    let labels = map("/spec/template/metadata/labels").unwrap_or(&empty);
    if wanted.iter().any(|(key, value)| labels.get(key) != Some(value)) {
        return Err(fault(
            "spec.template.metadata.labels",
            "the selector does not match the template's labels",
        ));
    }
    let replicas = object.pointer("/spec/replicas");
    if replicas.is_some_and(|replicas| replicas.as_u64().is_none()) {
        return Err(fault("spec.replicas", "expected a whole number of at least 0"));
    }
    Ok(())
}

fn pod_spec(object: &Object) -> Option<(&'static str, Option<&Value>)> {
    let path = match (object.id().group(), object.kind()) {
        ("", "Pod") => "spec",
        ("apps", _) | ("batch", "Job") => "spec.template.spec",
        ("batch", "CronJob") => "spec.jobTemplate.spec.template.spec",
        _ => return None,
    };
    let pointer = format!("/{}", path.replace('.', "/"));
    Some((path, object.as_value().pointer(&pointer)))
}

fn containers(path: &str, spec: Option<&Value>) -> Result<(), Fault> {
    let list = |field: &str| spec.and_then(|spec| spec.get(field)).and_then(Value::as_array);
    if list("containers").is_none_or(Vec::is_empty) {
        return Err(fault(format!("{path}.containers"), "at least one container is required"));
    }
    for field in ["initContainers", "containers"] {
        for (i, container) in list(field).into_iter().flatten().enumerate() {
            for key in ["name", "image"] {
                if container.get(key).and_then(Value::as_str).is_none_or(str::is_empty) {
                    return Err(fault(format!("{path}.{field}[{i}].{key}"), "required"));
                }
            }
        }
    }
    Ok(())
}
