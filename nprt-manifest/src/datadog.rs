//! Datadog's unified service tagging: the same version and service on labels and variables.

use nprt_core::Result;
use serde_json::{Value, json};

use super::version::Version;
use super::workload::{containers, each_container, get, list_in, map_at};

/// What its labels begin with.
pub(super) const LABELS: &str = "tags.datadoghq.com/";
/// The label with the version; ours, like [`VERSION_VARIABLE`].
pub(super) const VERSION_LABEL: &str = "tags.datadoghq.com/version";
/// The variable with the version.
pub(super) const VERSION_VARIABLE: &str = "DD_VERSION";
const SERVICE_LABEL: &str = "tags.datadoghq.com/service";
const SERVICE_VARIABLE: &str = "DD_SERVICE";

/// Names the service on the workload and its pods at `path`, where the manifest does not: neither by the label
/// nor by the variable of a container. Containers take it from the label, so that both always agree.
pub(super) fn name_service<P: AsRef<str>>(object: &mut Value, path: &[P], version: &Version) -> Result<()> {
    let template = get(object, path).unwrap_or(&Value::Null);
    let variable = |variable: &Value| variable.get("name").and_then(Value::as_str) == Some(SERVICE_VARIABLE);
    let environment = |container| Value::as_array(Value::get(container, "env")?);
    let named = containers(template).filter_map(environment).flatten().any(variable);
    let labelled = template.get("metadata").and_then(|metadata| metadata.get("labels")?.get(SERVICE_LABEL));
    if named && labelled.is_none() {
        return Ok(());
    }
    let service = labelled.cloned().unwrap_or_else(|| version.service.as_str().into());
    let of_pods = path.iter().map(AsRef::as_ref).chain(["metadata", "labels"]).collect();
    for labels in [vec!["metadata", "labels"], of_pods] {
        map_at(object, &labels)?.entry(SERVICE_LABEL).or_insert_with(|| service.clone());
    }
    let from_label = json!({
        "name": SERVICE_VARIABLE,
        "valueFrom": {"fieldRef": {"fieldPath": format!("metadata.labels['{SERVICE_LABEL}']")}},
    });
    let mut template = Value::Object(std::mem::take(map_at(object, path)?));
    each_container(&mut template, |container| {
        let environment = list_in(container, "env")?;
        if !environment.iter().any(variable) {
            environment.insert(0, from_label.clone());
        }
        Ok(())
    })?;
    if let Value::Object(template) = template {
        *map_at(object, path)? = template;
    }
    Ok(())
}
