use std::collections::BTreeMap;

use nprt_core::model::{BlockShape, MetricName, Secret};
use nprt_http::ClientConfig;
use serde::Deserialize;

use crate::Labels;

/// A Datadog account, and the queries of each metric.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatadogConfig {
    /// The site, such as `datadoghq.com` (the default) or `datadoghq.eu`; the API is at `https://api.` before it.
    #[serde(default = "site")]
    pub site: String,
    /// An address to use instead of the site's, such as that of a proxy.
    #[serde(default)]
    pub url: Option<String>,
    /// The API key.
    pub api_key: Secret,
    /// The application key.
    pub application_key: Secret,
    /// How requests are made.
    #[serde(default)]
    pub http: ClientConfig,
    /// Bytes that an answer may have; 64 MiB by default.
    #[serde(default = "max_response_bytes")]
    pub max_response_bytes: usize,
    /// Points that one question may be answered with, in all its answers together; 1,000,000 by default, which take
    /// some 100 MB while they are read.
    #[serde(default = "max_points")]
    pub max_points: usize,
    /// Blocks that may come of one question; 250,000 by default. A block is what a metric did in a minute at one pod and
    /// route.
    #[serde(default = "max_blocks")]
    pub max_blocks: usize,
    /// Seconds after its end until a minute counts as complete; 120 by default.
    #[serde(default = "delay_seconds")]
    pub delay_seconds: u32,
    /// The tags that say where something was measured: `track`, `version`, `pod_name`, `resource_name`, and
    /// `http.status_code` for the class of an error, by default.
    #[serde(default = "tags")]
    pub tags: Labels,
    /// The metrics, by the name that a policy gives them.
    #[serde(default = "metrics")]
    pub metrics: BTreeMap<MetricName, DatadogMetric>,
}

/// One metric, made of one or two queries of Datadog. In a query stand for:
/// - `{service}`: the name of the service; it must occur;
/// - `{by}`: the tags to group by, those of [`DatadogConfig::tags`] and the class where it is needed.
///
/// `sum:shop.hits{service:{service}} by {{by}}.as_count()` is an example. End the query of a gauge with
/// `.fill(null)`: Datadog fills gaps with what it interpolates, else. Every series must have the
/// track's tag, `stable` or `canary`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", tag = "shape", deny_unknown_fields)]
pub enum DatadogMetric {
    /// A gauge or aggregate, such as a percentile of the minute.
    Value {
        /// Its value.
        query: String,
        /// What it is multiplied by, to have seconds, cores or bytes; 1 by default.
        #[serde(default = "one")]
        scale: f64,
    },
    /// Requests and errors.
    Requests {
        /// The count of requests.
        requests: String,
        /// The count of errors; no series means none.
        errors: String,
    },
    /// Errors by class, which is the tag [`Labels::class`].
    Classes {
        /// The count of errors.
        query: String,
    },
}

impl DatadogConfig {
    /// The account at `datadoghq.com`, with the names of Datadog's tracing (`trace.http.request`, its hits
    /// and errors) and its Kubernetes integration (`kubernetes.cpu.usage.total` in nanocores,
    /// `kubernetes.memory.usage`).
    #[must_use]
    pub fn new(api_key: Secret, application_key: Secret) -> Self {
        Self {
            site: site(),
            url: None,
            api_key,
            application_key,
            http: ClientConfig::default(),
            max_response_bytes: max_response_bytes(),
            max_points: max_points(),
            max_blocks: max_blocks(),
            delay_seconds: delay_seconds(),
            tags: tags(),
            metrics: metrics(),
        }
    }
}

impl DatadogMetric {
    /// The shape of its blocks.
    #[must_use]
    pub fn shape(&self) -> BlockShape {
        match self {
            Self::Value { .. } => BlockShape::Value,
            Self::Requests { .. } => BlockShape::Requests,
            Self::Classes { .. } => BlockShape::Classes,
        }
    }
}

fn site() -> String {
    "datadoghq.com".to_owned()
}

fn max_response_bytes() -> usize {
    64 << 20
}

fn max_points() -> usize {
    1_000_000
}

fn max_blocks() -> usize {
    250_000
}

fn delay_seconds() -> u32 {
    120
}

fn one() -> f64 {
    1.0
}

fn tags() -> Labels {
    let name = |name: &str| Some(name.to_owned());
    Labels {
        track: "track".into(),
        version: name("version"),
        pod: name("pod_name"),
        route: name("resource_name"),
        class: "http.status_code".to_owned(),
    }
}

fn metrics() -> BTreeMap<MetricName, DatadogMetric> {
    let of = |what: &str| format!("{what}{{service:{{service}}}} by {{{{by}}}}");
    let count = |what: &str| of(what) + ".as_count()";
    // Datadog interpolates a gauge over minutes without data, else: a gap stays one.
    let gauge = |what: &str| of(what) + ".fill(null)";
    let errors = count("sum:trace.http.request.errors");
    let metrics = [
        (MetricName::LATENCY, DatadogMetric::Value { query: gauge("p95:trace.http.request"), scale: 1.0 }),
        (
            MetricName::REQUESTS,
            DatadogMetric::Requests {
                requests: count("sum:trace.http.request.hits"),
                errors: errors.clone(),
            },
        ),
        (MetricName::ERRORS, DatadogMetric::Classes { query: errors }),
        (
            MetricName::CPU,
            DatadogMetric::Value { query: gauge("sum:kubernetes.cpu.usage.total"), scale: 1e-9 },
        ),
        (
            MetricName::MEMORY,
            DatadogMetric::Value { query: gauge("sum:kubernetes.memory.usage"), scale: 1.0 },
        ),
    ];
    metrics.into_iter().filter_map(|(name, metric)| Some((MetricName::new(name).ok()?, metric))).collect()
}
