//! Who an object belongs to, and which version of it runs: labels and annotations.

use nprt_core::Result;
use nprt_core::model::{Track, annotation, label};
use serde_json::{Map, Value};

use super::datadog;
use super::fields::map_at;
use super::settings::Settings;
use super::template::PodTemplate;
use super::version::Version;

/// The label by which every object of a service is found. Nothing else is added to objects that run no pods:
/// they stay byte-equal from version to version.
pub(super) fn mark_service(object: &mut Value, version: &Version) -> Result<()> {
    set(map_at(object, &["metadata", "labels"])?, label::SERVICE, version.service.as_str());
    Ok(())
}

/// Service, track and version of a workload, its pod template or a canary's configuration.
pub(super) fn mark_version(
    part: &mut PodTemplate<'_>,
    version: &Version,
    track: Track,
    settings: &Settings,
) -> Result<()> {
    let labels = part.labels()?;
    set(labels, label::SERVICE, version.service.as_str());
    set(labels, label::TRACK, track.as_str());
    for (name, value) in
        [(settings.labels.track(), track.as_str()), (settings.labels.version(), &version.label())]
    {
        name.into_iter().for_each(|name| set(labels, name, value));
    }
    if settings.datadog {
        set(labels, datadog::VERSION_LABEL, &version.label());
    }
    let annotations = part.annotations()?;
    set(annotations, annotation::REVISION, &version.revision.to_string());
    set(annotations, annotation::TAG, version.tag.as_str());
    Ok(())
}

fn set(map: &mut Map<String, Value>, key: &str, value: &str) {
    map.insert(key.to_owned(), Value::String(value.to_owned()));
}
