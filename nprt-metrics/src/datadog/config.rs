use std::collections::BTreeMap;

use nprt_core::model::{BlockShape, MetricName, Secret};
use nprt_http::ClientConfig;
use serde::Deserialize;

use super::DatadogProfile;
use super::file::DatadogFile;
use crate::{Labels, MetricUnit};

/// A Datadog account, and the queries of each metric.
///
/// In a configuration, `profile` chooses the names that a producer gives its metrics (see [`DatadogProfile`]), and what
/// is given beside it replaces that part: of `tags` each tag by itself, of `metrics` each metric (`null` leaves one
/// out). Without `profile`, `metrics` are all the metrics that there are, and where they are not given either, it is
/// `datadog-apm`.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "DatadogFile")]
pub struct DatadogConfig {
    /// The site: `datadoghq.com` (the default), `datadoghq.eu`, …; the API is at `https://api.` before it.
    pub site: String,
    /// An address to use instead of the site's: that of a proxy.
    pub url: Option<String>,
    /// The API key.
    pub api_key: Secret,
    /// The application key.
    pub application_key: Secret,
    /// Headers to send as well, for a proxy.
    pub headers: BTreeMap<String, Secret>,
    /// Which version of the API is asked.
    pub api: DatadogApi,
    /// How requests are made.
    pub http: ClientConfig,
    /// Bytes that an answer may have; 64 MiB by default.
    pub max_response_bytes: usize,
    /// Points that one question may be answered with, in all its answers together; 1,000,000 by default, which take
    /// some 100 MB while they are read.
    pub max_points: usize,
    /// Blocks that may come of one question; 250,000 by default. A block is what a metric did in a minute at one pod and
    /// route.
    pub max_blocks: usize,
    /// Seconds after its end until a minute counts as complete; 120 by default.
    pub delay_seconds: u32,
    /// The tags that say where something was measured.
    pub tags: Labels,
    /// The metrics, by the name that a policy gives them.
    pub metrics: BTreeMap<MetricName, DatadogMetric>,
}

/// The version of Datadog's API for time series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatadogApi {
    /// Version 2, and version 1 where that answers with status 404, as Datadog does now and then.
    #[default]
    Auto,
    /// `POST /api/v2/query/timeseries`.
    V2,
    /// `GET /api/v1/query`: one request for each query.
    V1,
}

/// One metric, made of one or more queries of Datadog. In a query stand for:
/// - `{service}`: the name of the service; it must occur;
/// - `{by}`: the tags to group by, those of [`DatadogConfig::tags`] and what the shape needs.
///
/// `sum:shop.hits{service:{service}} by {{by}}.as_count()` is an example. End the query of a gauge with
/// `.fill(null)`: Datadog fills gaps with what it interpolates, else. A series of neither track is left out.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", tag = "shape", deny_unknown_fields)]
pub enum DatadogMetric {
    /// A gauge or aggregate, such as a percentile of the minute.
    Value {
        /// Its value.
        query: String,
        /// Its unit.
        #[serde(default)]
        unit: MetricUnit,
        /// What it is multiplied by besides; 1 by default.
        #[serde(default = "one")]
        scale: f64,
    },
    /// A distribution metric, counted at or below some edges (Datadog's threshold queries). The metric must have
    /// percentiles enabled, as those of traces have.
    Distribution {
        /// The count of what is at or below `{edge}`.
        below: String,
        /// The count of all.
        total: String,
        /// The edges, in the metric's unit. A percentile is exact to the two edges around it.
        #[serde(default = "edges")]
        edges: Vec<f64>,
        /// The metric's unit. Latency is answered in seconds.
        #[serde(default)]
        unit: MetricUnit,
    },
    /// A histogram whose buckets are series with a tag for their upper edge, as the Agent's OpenMetrics check sends it.
    Histogram {
        /// The count of what is at or below each edge.
        query: String,
        /// The tag with the edge; `upper_bound` by default.
        #[serde(default = "upper_bound")]
        edge: String,
        /// The unit of the edges. Latency is answered in seconds.
        #[serde(default)]
        unit: MetricUnit,
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
    /// The account at `datadoghq.com` with Datadog's names for what it traces of a web server:
    /// [`DatadogProfile::Apm`] of the operation `http.request`.
    #[must_use]
    pub fn new(api_key: Secret, application_key: Secret) -> Self {
        Self::of(api_key, application_key, &DatadogProfile::default())
    }

    /// The account at `datadoghq.com` with the names of `profile`.
    #[must_use]
    pub fn of(api_key: Secret, application_key: Secret, profile: &DatadogProfile) -> Self {
        Self {
            site: "datadoghq.com".to_owned(),
            url: None,
            api_key,
            application_key,
            headers: BTreeMap::new(),
            api: DatadogApi::default(),
            http: ClientConfig::default(),
            max_response_bytes: 64 << 20,
            max_points: 1_000_000,
            max_blocks: 250_000,
            delay_seconds: 120,
            tags: profile.tags(),
            metrics: profile.metrics(),
        }
    }
}

impl DatadogMetric {
    /// The shape of its blocks.
    #[must_use]
    pub fn shape(&self) -> BlockShape {
        match self {
            Self::Value { .. } => BlockShape::Value,
            Self::Distribution { .. } | Self::Histogram { .. } => BlockShape::Histogram,
            Self::Requests { .. } => BlockShape::Requests,
            Self::Classes { .. } => BlockShape::Classes,
        }
    }

    /// Its queries, in order; `{edge}` still stands in them.
    pub(super) fn queries(&self) -> Vec<&str> {
        match self {
            Self::Value { query, .. } | Self::Histogram { query, .. } | Self::Classes { query } => {
                vec![query]
            }
            Self::Distribution { below, total, .. } => vec![below, total],
            Self::Requests { requests, errors } => vec![requests, errors],
        }
    }
}

fn one() -> f64 {
    1.0
}

fn upper_bound() -> String {
    "upper_bound".to_owned()
}

/// From milliseconds to ten seconds, for seconds.
pub(super) fn edges() -> Vec<f64> {
    vec![0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0]
}
