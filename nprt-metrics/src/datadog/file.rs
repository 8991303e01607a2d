//! The settings as a configuration has them: a profile, and what replaces parts of it.

use std::collections::BTreeMap;

use nprt_core::Error;
use nprt_core::model::{MetricName, Secret};
use nprt_http::ClientConfig;
use serde::Deserialize;

use super::{DatadogApi, DatadogConfig, DatadogMetric, DatadogProfile};
use crate::labels_file::LabelsFile;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DatadogFile {
    site: Option<String>,
    url: Option<String>,
    api_key: Secret,
    application_key: Secret,
    #[serde(default)]
    headers: BTreeMap<String, Secret>,
    #[serde(default)]
    api: DatadogApi,
    #[serde(default)]
    http: ClientConfig,
    max_response_bytes: Option<usize>,
    max_points: Option<usize>,
    max_blocks: Option<usize>,
    delay_seconds: Option<u32>,
    profile: Option<Name>,
    /// The operation of `datadog-apm`.
    operation: Option<String>,
    /// The namespace of `datadog-openmetrics`.
    namespace: Option<String>,
    #[serde(default)]
    tags: LabelsFile,
    metrics: Option<BTreeMap<MetricName, Option<DatadogMetric>>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Name {
    DatadogApm,
    DatadogOpenmetrics,
}

impl TryFrom<DatadogFile> for DatadogConfig {
    type Error = Error;

    fn try_from(file: DatadogFile) -> Result<Self, Error> {
        let profile = profile(&file)?;
        let named = file.profile.is_some() || file.operation.is_some();
        let mut config = Self::of(file.api_key, file.application_key, &profile);
        file.tags.replace(&mut config.tags);
        if let Some(metrics) = file.metrics {
            if !named {
                config.metrics.clear();
            }
            for (name, metric) in metrics {
                match metric {
                    Some(metric) => drop(config.metrics.insert(name, metric)),
                    None => drop(config.metrics.remove(&name)),
                }
            }
        }
        Ok(Self {
            site: file.site.unwrap_or(config.site),
            url: file.url,
            headers: file.headers,
            api: file.api,
            http: file.http,
            max_response_bytes: file.max_response_bytes.unwrap_or(config.max_response_bytes),
            max_points: file.max_points.unwrap_or(config.max_points),
            max_blocks: file.max_blocks.unwrap_or(config.max_blocks),
            delay_seconds: file.delay_seconds.unwrap_or(config.delay_seconds),
            ..config
        })
    }
}

/// The profile with its setting, which must be the one of it.
fn profile(file: &DatadogFile) -> Result<DatadogProfile, Error> {
    let invalid =
        |field: &'static str, message: &str| Error::invalid("datadog.config", message).with("field", field);
    match (file.profile, file.operation.clone(), file.namespace.clone()) {
        (Some(Name::DatadogOpenmetrics), None, Some(namespace)) if is_name(&namespace) => {
            Ok(DatadogProfile::Openmetrics { namespace })
        }
        (Some(Name::DatadogOpenmetrics), None, _) => Err(invalid(
            "namespace",
            "datadog-openmetrics needs the namespace of the Agent's check, for example shop",
        )),
        (Some(Name::DatadogOpenmetrics), Some(_), _) => {
            Err(invalid("operation", "only the profile datadog-apm has an operation"))
        }
        (_, _, Some(_)) => Err(invalid("namespace", "only the profile datadog-openmetrics has a namespace")),
        (_, Some(operation), None) if is_name(&operation) => Ok(DatadogProfile::Apm { operation }),
        (_, Some(_), None) => {
            Err(invalid("operation", "expected the name of a span, for example servlet.request"))
        }
        (_, None, None) => Ok(DatadogProfile::default()),
    }
}

/// Whether Datadog may call a part of a metric so.
fn is_name(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.');
    !text.is_empty() && text.bytes().all(word)
}
