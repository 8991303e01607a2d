use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};

use nprt_core::model::{BlockShape, MetricName, ServiceName};
use serde::{Deserialize, Serialize};

use super::{Limits, Listen};
use crate::otlp::OtlpConfig;

/// How the statsd server listens, and what it makes of what it hears.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StatsdConfig {
    /// The UDP address; `127.0.0.1:8125` by default. Anybody who reaches it can send metrics, and so
    /// influence a verdict: bind it where only services do.
    pub listen: SocketAddr,
    /// Where clients may send to as well.
    pub also_listen: Vec<Listen>,
    /// Another statsd server, as `host:port`, that gets all datagrams as they came, by UDP; none by default.
    pub forward: Option<String>,
    /// Bytes that the kernel keeps for a server that is busy; 4 MiB by default. The kernel may grant less.
    pub receive_buffer_bytes: usize,
    /// The names of the tags that say where something was measured.
    pub tags: TagNames,
    /// The metrics, by the name that a policy gives them.
    pub metrics: BTreeMap<MetricName, StatsdMetric>,
    /// The services that have room; what is said of others is counted and not kept. Where nobody names any, those that are
    /// heard of first have room, [`Limits::services`] of them: whoever reaches the server can then use that up.
    pub services: BTreeSet<ServiceName>,
    /// What OpenTelemetry's SDKs and collectors may send as well, and what is made of it; nothing by default.
    pub otlp: Option<OtlpConfig>,
    /// What bounds the memory.
    pub limits: Limits,
}

/// One metric, made of one or two statsd metrics.
///
/// Each `name` is a pattern whose parts between dots are text or one of `{service}`, `{track}`,
/// `{version}`, `{pod}`, `{route}` and `{class}`: `{service}.{track}.latency` is for clients without tags.
/// What the pattern does not say comes from the tags.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "shape", deny_unknown_fields)]
pub enum StatsdMetric {
    /// Samples from timers, histograms and distributions, in seconds. One that was sampled at a rate of 0.1 counts ten
    /// times. One that bears the tag of an error class is left out, since latency is that
    /// of successful requests.
    Samples {
        /// The timer, histogram or distribution.
        name: String,
        /// The unit of histograms and distributions; a timer (`ms`) is always in milliseconds.
        #[serde(default)]
        unit: Unit,
    },
    /// A gauge: the mean of the values that it was set to in the minute.
    Value {
        /// The gauge.
        name: String,
    },
    /// Requests and errors from two counters, scaled by the sampling rate. Errors beyond the requests of a
    /// minute count as requests too.
    Requests {
        /// The counter of all requests.
        requests: String,
        /// The counter of those that failed.
        errors: String,
    },
    /// Errors by class from a counter, scaled by the sampling rate; without the tag of a class they are
    /// `unclassified`.
    Classes {
        /// The counter of errors.
        name: String,
    },
}

/// The unit of a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// s
    #[default]
    Seconds,
    /// ms
    Milliseconds,
    /// µs
    Microseconds,
    /// ns
    Nanoseconds,
}

/// The names of the tags that say where something was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TagNames {
    /// `service` by default.
    pub service: String,
    /// `track` by default; its value is `stable` or `canary`.
    pub track: String,
    /// `version` by default.
    pub version: String,
    /// `pod` by default.
    pub pod: String,
    /// `route` by default.
    pub route: String,
    /// The class of an error; `error` by default.
    pub class: String,
}

impl Default for StatsdConfig {
    /// Loopback, and the five metrics that every backend has: latency from `request.latency`, requests from
    /// `request.count` and `request.errors`, errors by class from `request.errors`, cores from
    /// `process.cpu` and bytes from `process.memory`.
    fn default() -> Self {
        let name = str::to_owned;
        let metrics = [
            (
                MetricName::LATENCY,
                StatsdMetric::Samples { name: name("request.latency"), unit: Unit::Seconds },
            ),
            (
                MetricName::REQUESTS,
                StatsdMetric::Requests { requests: name("request.count"), errors: name("request.errors") },
            ),
            (MetricName::ERRORS, StatsdMetric::Classes { name: name("request.errors") }),
            (MetricName::CPU, StatsdMetric::Value { name: name("process.cpu") }),
            (MetricName::MEMORY, StatsdMetric::Value { name: name("process.memory") }),
        ];
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8125)),
            also_listen: Vec::new(),
            forward: None,
            receive_buffer_bytes: 4 << 20,
            tags: TagNames::default(),
            metrics: metrics
                .into_iter()
                .filter_map(|(name, metric)| Some((MetricName::new(name).ok()?, metric)))
                .collect(),
            services: BTreeSet::new(),
            otlp: None,
            limits: Limits::default(),
        }
    }
}

impl Default for TagNames {
    fn default() -> Self {
        let name = str::to_owned;
        Self {
            service: name("service"),
            track: name("track"),
            version: name("version"),
            pod: name("pod"),
            route: name("route"),
            class: name("error"),
        }
    }
}

impl StatsdMetric {
    /// The shape of its blocks.
    #[must_use]
    pub fn shape(&self) -> BlockShape {
        match self {
            Self::Samples { .. } => BlockShape::Samples,
            Self::Value { .. } => BlockShape::Value,
            Self::Requests { .. } => BlockShape::Requests,
            Self::Classes { .. } => BlockShape::Classes,
        }
    }
}

impl Unit {
    /// How many of it make a second.
    pub(super) fn per_second(self) -> f64 {
        match self {
            Self::Seconds => 1.0,
            Self::Milliseconds => 1e3,
            Self::Microseconds => 1e6,
            Self::Nanoseconds => 1e9,
        }
    }
}
