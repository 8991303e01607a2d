//! What every container is told about itself.

use nprt_core::Result;
use nprt_core::model::Track;
use serde_json::{Map, Value, json};

use super::datadog;
use super::fields::list_in;
use super::settings::Settings;
use super::template::PodTemplate;
use super::version::Version;

const OPEN_TELEMETRY: &str = "OTEL_RESOURCE_ATTRIBUTES";
const OPEN_TELEMETRY_VERSION: &str = "service.version";

/// Sets the environment of every container of the template. What the manifest set already is replaced;
/// `warnings` says so, without the values.
pub(super) fn apply(
    template: &mut PodTemplate<'_>,
    version: &Version,
    track: Track,
    settings: &Settings,
    warnings: &mut Vec<String>,
) -> Result<()> {
    let ours = variables(version, track, settings);
    template.each_container(|container| {
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if ours.is_empty() && !settings.open_telemetry {
            return Ok(());
        }
        let environment = list_in(container, "env")?;
        // New ones come first, so that the container's own may refer to them: `$(VERSION)`.
        let mut place = 0;
        for ours in &ours {
            match set(environment, place, ours) {
                None => place += 1,
                Some(replaced) if replaced == *ours => {}
                Some(_) => {
                    let variable = name_of(ours).unwrap_or_default();
                    warnings.push(format!(
                        "container {name}: {variable} was set in the manifest; ours replaces it"
                    ));
                }
            }
        }
        if settings.open_telemetry && !add_attribute(environment, version) {
            warnings.push(format!(
                "container {name}: {OPEN_TELEMETRY} comes from elsewhere (valueFrom); {OPEN_TELEMETRY_VERSION} is not added"
            ));
        }
        Ok(())
    })
}

fn variables(version: &Version, track: Track, settings: &Settings) -> Vec<Value> {
    let [track_name, version_name, revision, pod_name] = settings.environment.in_use();
    let text = |name: &str, value: &str| json!({"name": name, "value": value});
    let pod = |name: &str| json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}});
    [
        track_name.map(|name| text(name, track.as_str())),
        version_name.map(|name| text(name, version.tag.as_str())),
        revision.map(|name| text(name, &version.revision.to_string())),
        pod_name.map(pod),
        settings.datadog.then(|| text(datadog::VERSION_VARIABLE, &version.label())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn name_of(variable: &Value) -> Option<&str> {
    variable.get("name")?.as_str()
}

/// Makes `variable` the only one of its name: in place of the last one, which is the one that counts, or
/// else at `place`. Returns what it replaced.
fn set(environment: &mut Vec<Value>, place: usize, variable: &Value) -> Option<Value> {
    let same = |other: &Value| name_of(other).is_some() && name_of(other) == name_of(variable);
    let Some(last) = environment.iter().rposition(same) else {
        environment.insert(place.min(environment.len()), variable.clone());
        return None;
    };
    let replaced = std::mem::replace(&mut environment[last], variable.clone());
    let mut index = 0;
    environment.retain(|other| {
        index += 1;
        index > last || !same(other)
    });
    Some(replaced)
}

/// Adds the version to OpenTelemetry's list of `key=value`, in place of one that is there; `false` where the
/// list is not in the manifest.
fn add_attribute(environment: &mut Vec<Value>, version: &Version) -> bool {
    let ours = format!("{OPEN_TELEMETRY_VERSION}={}", version.tag);
    let present = environment.iter().rfind(|other| name_of(other) == Some(OPEN_TELEMETRY));
    if present.is_some_and(|present| present.get("valueFrom").is_some_and(|from| !from.is_null())) {
        return false;
    }
    let value = present.and_then(|present| present.get("value")?.as_str()).unwrap_or_default();
    let mut attributes: Vec<&str> =
        value.split(',').filter(|attribute| !attribute.trim().is_empty()).collect();
    let is_version =
        |attribute: &&str| attribute.split('=').next().map(str::trim) == Some(OPEN_TELEMETRY_VERSION);
    match attributes.iter().position(is_version) {
        Some(index) => attributes[index] = &ours,
        None => attributes.push(&ours),
    }
    let variable = Map::from_iter([
        ("name".to_owned(), Value::from(OPEN_TELEMETRY)),
        ("value".to_owned(), Value::from(attributes.join(","))),
    ]);
    set(environment, environment.len(), &Value::Object(variable));
    true
}
