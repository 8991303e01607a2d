use std::collections::BTreeMap;
use std::path::PathBuf;

use nprt_core::model::{BlockShape, MetricName, Secret};
use nprt_http::ClientConfig;
use serde::Deserialize;

use super::file::PrometheusFile;
use super::profile::Profile;
use super::status::Statuses;
use crate::{Labels, MetricUnit};

/// A Prometheus server, and the queries of each metric.
///
/// In a configuration, `profile` chooses the names that a producer gives its metrics (see [`Profile`]), and everything
/// that is given beside it replaces that part: of `labels` each label by itself, of `metrics` each metric (`null`
/// leaves one out). `profile` may be a list (`[istio, kubernetes]`): each adds the metrics that those before it do not have,
/// with its own labels, and what is given beside is about the first. An item may be a map that replaces parts of its
/// own (`{name: kubernetes, select: 'namespace="shop",pod=~"{service}-.*"'}`). Without `profile`, `metrics` are all the
/// metrics that there are.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "PrometheusFile")]
pub struct PrometheusConfig {
    /// Its address, with the path in front of `api/v1` if there is one; without credentials.
    pub url: String,
    /// How to log in; not at all by default.
    pub auth: PrometheusAuth,
    /// Headers that each request has, such as the tenant of Mimir or Cortex (`X-Scope-OrgID`).
    pub headers: BTreeMap<String, Secret>,
    /// How requests are made. The server is told to give a query up after `timeout_seconds`, too.
    pub http: ClientConfig,
    /// Bytes that an answer may have; 64 MiB by default.
    pub max_response_bytes: usize,
    /// Points that one question may be answered with, in all its answers together; 1,000,000 by default, which take
    /// some 100 MB while they are read.
    pub max_points: usize,
    /// Blocks that may come of one question; 250,000 by default. A block is what a metric did in a minute at one pod and
    /// route.
    pub max_blocks: usize,
    /// With more series of one metric than this, routes are no longer told apart; pods still are. 2,000 by default.
    pub max_series: usize,
    /// What is measured, and how.
    pub source: MetricSource,
    /// More of it: the metrics that those before do not have.
    pub more: Vec<MetricSource>,
}

/// Metrics with the same labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricSource {
    /// The labels that say where something was measured.
    pub labels: Labels,
    /// Matchers of PromQL that select the series of a service, what `{select}` stands for together with one for
    /// the track: `service="{service}"`.
    pub select: String,
    /// The labels that say how requests ended.
    pub status: Statuses,
    /// The metrics, by the name that a policy gives them.
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
    /// By a token in a file, which is read for each request: Kubernetes replaces that of a service account each hour.
    BearerFile {
        /// The file.
        path: PathBuf,
    },
}

/// One metric, made of one or two queries in PromQL. In a query stand for:
/// - `{service}`: the name of the service; it needs quotes around it;
/// - `{select}`: the matchers of [`MetricSource::select`] and one for the track; one of both must occur;
/// - `{window}`: `1m`, the range that belongs to one point;
/// - `{increase}(selector)`: what the counters of `selector` grew by in that minute, exactly; PromQL's own
///   `increase` misses what happens between two minutes and with which a counter begins;
/// - `{by}`: the labels to aggregate by, those of [`MetricSource::labels`] and what the shape needs.
///
/// A series of neither track is left out. An example, which takes the track from the pods' labels:
///
/// ```text
/// sum by ({by}) (
///   {increase}(http_requests_total{service="{service}"})
///   * on (pod) group_left (track) label_replace(kube_pod_labels, "track", "$1", "label_track", "(.+)"))
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", tag = "shape", deny_unknown_fields)]
pub enum PrometheusMetric {
    /// The buckets of a classic histogram, by `le`.
    Histogram {
        /// The increase of the buckets.
        query: String,
        /// The unit of the buckets' edges. Latency is answered in seconds.
        #[serde(default)]
        unit: MetricUnit,
    },
    /// A gauge or aggregate.
    Value {
        /// Its value over the window.
        query: String,
        /// Its unit.
        #[serde(default)]
        unit: MetricUnit,
    },
    /// Requests and errors.
    Requests {
        /// The increase of requests. Without `errors`, `{by}` has the labels of [`MetricSource::status`], too, which say
        /// how requests ended; where they do not, the answer is an error.
        requests: String,
        /// The increase of errors; no series means none.
        #[serde(default)]
        errors: Option<String>,
    },
    /// Errors by class, which is the label [`Labels::class`].
    Classes {
        /// The increase of errors.
        query: String,
    },
}

impl PrometheusConfig {
    /// The server at `url`, with the common names of Prometheus' client libraries:
    /// [`Profile::PrometheusClient`].
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self::of(url, Profile::PrometheusClient)
    }

    /// The server at `url`, with the names of `profile`.
    #[must_use]
    pub fn of(url: impl Into<String>, profile: Profile) -> Self {
        Self {
            url: url.into(),
            auth: PrometheusAuth::None,
            headers: BTreeMap::new(),
            http: ClientConfig::default(),
            max_response_bytes: 64 << 20,
            max_points: 1_000_000,
            max_blocks: 250_000,
            max_series: 2_000,
            source: profile.source(),
            more: Vec::new(),
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

    /// Its queries, in order.
    pub(super) fn queries(&self) -> impl Iterator<Item = &String> {
        let (first, second) = match self {
            Self::Histogram { query, .. } | Self::Value { query, .. } | Self::Classes { query } => {
                (query, None)
            }
            Self::Requests { requests, errors } => (requests, errors.as_ref()),
        };
        [first].into_iter().chain(second)
    }
}
