use std::collections::BTreeMap;

use nprt_core::model::{BlockShape, MetricName, Secret};
use nprt_http::ClientConfig;
use serde::Deserialize;

use crate::Labels;

/// A Prometheus server, and the queries of each metric.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrometheusConfig {
    /// Its address, with the path in front of `api/v1` if there is one; without credentials.
    pub url: String,
    /// How to log in; not at all by default.
    #[serde(default)]
    pub auth: PrometheusAuth,
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
    /// The labels that say where something was measured: `track`, `version`, `pod`, `route`, and `code` for
    /// the class of an error, by default.
    #[serde(default = "labels")]
    pub labels: Labels,
    /// The metrics, by the name that a policy gives them.
    #[serde(default = "metrics")]
    pub metrics: BTreeMap<MetricName, PrometheusMetric>,
}

/// How to log in.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type", deny_unknown_fields)]
pub enum PrometheusAuth {
    /// Not at all.
    #[default]
    None,
    /// By user name and password.
    Basic {
        /// The user.
        username: String,
        /// The password.
        password: Secret,
    },
    /// By a token.
    Bearer {
        /// The token.
        token: Secret,
    },
}

/// One metric, made of one or two queries in PromQL. In a query stand for:
/// - `{service}`: the name of the service; it must occur, and needs quotes around it;
/// - `{window}`: `1m`, the range that belongs to one point;
/// - `{increase}(selector)`: what the counters of `selector` grew by in that minute, exactly; PromQL's own
///   `increase` misses what happens between two minutes and with which a counter begins;
/// - `{by}`: the labels to aggregate by, those of [`PrometheusConfig::labels`] and what the shape needs.
///
/// Every series must have the track's label, `stable` or `canary`. An example, which takes the track from
/// the pods' labels:
///
/// ```text
/// sum by ({by}) (
///   {increase}(http_requests_total{service="{service}"})
///   * on (pod) group_left (track) label_replace(kube_pod_labels, "track", "$1", "label_track", "(.+)"))
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", tag = "shape", deny_unknown_fields)]
pub enum PrometheusMetric {
    /// The buckets of a classic histogram, by `le`; latency in seconds.
    Histogram {
        /// The increase of the buckets.
        query: String,
    },
    /// A gauge or aggregate.
    Value {
        /// Its value over the window.
        query: String,
    },
    /// Requests and errors.
    Requests {
        /// The increase of requests.
        requests: String,
        /// The increase of errors; no series means none.
        errors: String,
    },
    /// Errors by class, which is the label [`Labels::class`].
    Classes {
        /// The increase of errors.
        query: String,
    },
}

impl PrometheusConfig {
    /// The server at `url`, with the common names of Prometheus' client libraries:
    /// `http_request_duration_seconds` and `http_requests_total` with the label `code` (5xx are errors),
    /// `process_cpu_seconds_total` and `process_resident_memory_bytes`, each with the label `service`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            auth: PrometheusAuth::None,
            http: ClientConfig::default(),
            max_response_bytes: max_response_bytes(),
            max_points: max_points(),
            max_blocks: max_blocks(),
            labels: labels(),
            metrics: metrics(),
        }
    }
}

impl PrometheusMetric {
    /// The shape of its blocks.
    #[must_use]
    pub fn shape(&self) -> BlockShape {
        match self {
            Self::Histogram { .. } => BlockShape::Histogram,
            Self::Value { .. } => BlockShape::Value,
            Self::Requests { .. } => BlockShape::Requests,
            Self::Classes { .. } => BlockShape::Classes,
        }
    }
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

fn labels() -> Labels {
    let name = |name: &str| Some(name.to_owned());
    Labels {
        track: "track".to_owned(),
        version: name("version"),
        pod: name("pod"),
        route: name("route"),
        class: "code".to_owned(),
    }
}

fn metrics() -> BTreeMap<MetricName, PrometheusMetric> {
    let of =
        |series: &str, and: &str| format!(r#"{series}{{service="{{service}}",track=~"stable|canary"{and}}}"#);
    let over = |function: &str, series: &str| {
        format!("sum by ({{by}}) ({function}({}[{{window}}]))", of(series, ""))
    };
    let increase = |series: &str, and: &str| format!("sum by ({{by}}) ({{increase}}({}))", of(series, and));
    let duration = "http_request_duration_seconds_bucket";
    let (good, bad) = (r#",code!~"5..""#, r#",code=~"5..""#);
    let errors = increase("http_requests_total", bad);
    let metrics = [
        (MetricName::LATENCY, PrometheusMetric::Histogram { query: increase(duration, good) }),
        (
            MetricName::REQUESTS,
            PrometheusMetric::Requests {
                requests: increase("http_requests_total", ""),
                errors: errors.clone(),
            },
        ),
        (MetricName::ERRORS, PrometheusMetric::Classes { query: errors }),
        (MetricName::CPU, PrometheusMetric::Value { query: over("rate", "process_cpu_seconds_total") }),
        (
            MetricName::MEMORY,
            PrometheusMetric::Value { query: over("avg_over_time", "process_resident_memory_bytes") },
        ),
    ];
    metrics.into_iter().filter_map(|(name, metric)| Some((MetricName::new(name).ok()?, metric))).collect()
}
