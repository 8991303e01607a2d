//! Datadog's unified service tagging: the same version and service on labels and variables.

use nprt_core::Result;
use serde_json::{Value, json};

use super::fields::{list_in, map_at};
use super::template::{TemplatePath, containers};
use super::version::Version;

/// The label with the version; ours, like [`VERSION_VARIABLE`].
pub(super) const VERSION_LABEL: &str = "tags.datadoghq.com/version";
/// The variable with the version.
pub(super) const VERSION_VARIABLE: &str = "DD_VERSION";
const SERVICE_LABEL: &str = "tags.datadoghq.com/service";
const SERVICE_VARIABLE: &str = "DD_SERVICE";

/// Names the service on the workload and its pods at `path`, where the manifest does not: neither by the label
/// nor by the variable of a container. Containers take it from the label, so that both always agree.
pub(super) fn name_service(object: &mut Value, path: &TemplatePath, version: &Version) -> Result<()> {
    let template = path.find(object).unwrap_or(&Value::Null);
    let variable = |variable: &Value| variable.get("name").and_then(Value::as_str) == Some(SERVICE_VARIABLE);
    let environment = |container| Value::as_array(Value::get(container, "env")?);
    let named = containers(template).filter_map(environment).flatten().any(variable);
    let labelled = template.get("metadata").and_then(|metadata| metadata.get("labels")?.get(SERVICE_LABEL));
    if named && labelled.is_none() {
        return Ok(());
    }
    let service = labelled.cloned().unwrap_or_else(|| version.service.as_str().into());
    map_at(object, &["metadata", "labels"])?.entry(SERVICE_LABEL).or_insert_with(|| service.clone());
    let mut template = path.template(object)?;
    template.labels()?.entry(SERVICE_LABEL).or_insert(service);
    let from_label = json!({
        "name": SERVICE_VARIABLE,
        "valueFrom": {"fieldRef": {"fieldPath": format!("metadata.labels['{SERVICE_LABEL}']")}},
    });
    template.each_container(|container| {
        let environment = list_in(container, "env")?;
        if !environment.iter().any(variable) {
            environment.insert(0, from_label.clone());
        }
        Ok(())
    })
}
