use std::collections::BTreeMap;

use nprt_core::model::MetricName;

use super::DatadogMetric;
use super::config::edges;
use crate::{Labels, MetricUnit, Named, TrackLabel};

/// What a producer calls its metrics at Datadog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatadogProfile {
    /// `datadog-apm`: what Datadog's tracing measures of an operation (`trace.<operation>`, its hits and errors), by the
    /// tags `service`, `version`, `resource_name` and `http.status_code`; and CPU and memory of Datadog's Kubernetes
    /// integration. These metrics have no track; `version` tells it.
    Apm {
        /// The name of the spans with which a request enters the service: `http.request`, `servlet.request`,
        /// `rack.request`.
        operation: String,
    },
    /// `datadog-openmetrics`: the common names of Prometheus' client libraries, as the Agent's OpenMetrics check sends
    /// them: `<namespace>.http_request_duration_seconds.bucket`, `<namespace>.http_requests.count` with the tag `code`,
    /// `<namespace>.process_cpu_seconds.count` and `<namespace>.process_resident_memory_bytes`, by the tags `service`,
    /// `track`, `version` and `pod_name`.
    Openmetrics {
        /// The check's `namespace`.
        namespace: String,
    },
}

impl Default for DatadogProfile {
    fn default() -> Self {
        Self::Apm { operation: "http.request".to_owned() }
    }
}

impl DatadogProfile {
    /// The tags that say where something was measured.
    #[must_use]
    pub fn tags(&self) -> Labels {
        let name = |name: &str| Some(name.to_owned());
        match self {
            Self::Apm { .. } => Labels {
                track: TrackLabel::Name { label: "version".to_owned(), names: Named::Version },
                version: name("version"),
                pod: name("pod_name"),
                route: name("resource_name"),
                class: "http.status_code".to_owned(),
            },
            Self::Openmetrics { .. } => Labels {
                track: "track".into(),
                version: name("version"),
                pod: name("pod_name"),
                route: name("route"),
                class: "code".to_owned(),
            },
        }
    }

    /// The metrics.
    #[must_use]
    pub fn metrics(&self) -> BTreeMap<MetricName, DatadogMetric> {
        let metrics = match self {
            Self::Apm { operation } => apm(operation),
            Self::Openmetrics { namespace } => openmetrics(namespace),
        };
        metrics.into_iter().filter_map(|(name, metric)| Some((MetricName::new(name).ok()?, metric))).collect()
    }
}

/// `what`, of the service and by the tags.
fn of(what: &str, and: &str) -> String {
    format!("{what}{{service:{{service}}{and}}} by {{{{by}}}}")
}

fn count(what: &str) -> String {
    of(what, "") + ".as_count()"
}

/// Datadog interpolates a gauge over minutes without data, else: a gap stays one.
fn gauge(what: &str) -> String {
    of(what, "") + ".fill(null)"
}

fn apm(operation: &str) -> [(&'static str, DatadogMetric); 5] {
    let errors = count(&format!("sum:trace.{operation}.errors"));
    let value = |query, unit| DatadogMetric::Value { query, unit, scale: 1.0 };
    [
        (
            MetricName::LATENCY,
            DatadogMetric::Distribution {
                below: count(&format!("count(v: v<={{edge}}):trace.{operation}")),
                total: count(&format!("count:trace.{operation}")),
                edges: edges(),
                unit: MetricUnit::Seconds,
            },
        ),
        (
            MetricName::REQUESTS,
            DatadogMetric::Requests {
                requests: count(&format!("sum:trace.{operation}.hits")),
                errors: errors.clone(),
            },
        ),
        (MetricName::ERRORS, DatadogMetric::Classes { query: errors }),
        (MetricName::CPU, value(gauge("sum:kubernetes.cpu.usage.total"), MetricUnit::Nanocores)),
        (MetricName::MEMORY, value(gauge("sum:kubernetes.memory.usage"), MetricUnit::Bytes)),
    ]
}

fn openmetrics(namespace: &str) -> [(&'static str, DatadogMetric); 5] {
    let requests = format!("sum:{namespace}.http_requests.count");
    let errors = of(&requests, ",code:5*") + ".as_count()";
    let value = |query, unit| DatadogMetric::Value { query, unit, scale: 1.0 };
    let cpu = of(&format!("sum:{namespace}.process_cpu_seconds.count"), "") + ".as_rate().fill(null)";
    [
        (
            MetricName::LATENCY,
            DatadogMetric::Histogram {
                query: count(&format!("sum:{namespace}.http_request_duration_seconds.bucket")),
                edge: "upper_bound".to_owned(),
                unit: MetricUnit::Seconds,
            },
        ),
        (
            MetricName::REQUESTS,
            DatadogMetric::Requests { requests: count(&requests), errors: errors.clone() },
        ),
        (MetricName::ERRORS, DatadogMetric::Classes { query: errors }),
        (MetricName::CPU, value(cpu, MetricUnit::Cores)),
        (
            MetricName::MEMORY,
            value(gauge(&format!("sum:{namespace}.process_resident_memory_bytes")), MetricUnit::Bytes),
        ),
    ]
}
