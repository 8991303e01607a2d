use std::collections::BTreeMap;
use std::net::SocketAddr;

use nprt_core::model::{BlockShape, MetricName};
use nprt_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::{MetricUnit, Named, TrackLabel};

/// What OpenTelemetry sends, and what is made of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OtlpConfig {
    /// An address of its own on which OTLP/HTTP is taken; none by default. Anybody who reaches it can send metrics, and so
    /// influence a verdict: bind it where only services and collectors do.
    pub listen: Option<SocketAddr>,
    /// The attributes that say where something was measured, and how a request ended.
    pub attributes: OtlpAttributes,
    /// The metrics, by the name that a policy gives them.
    pub metrics: BTreeMap<MetricName, OtlpMetric>,
    /// Bytes that a request may have, as sent and uncompressed; 8 MiB by default. Read, it takes some ten times as much for a
    /// moment.
    pub max_request_bytes: usize,
}

/// Attributes of a resource or of a point; where both have one, the point's counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OtlpAttributes {
    /// The service; `service.name` by default.
    pub service: String,
    /// What says the track: the first of these that is there. By default `track`, whose value is `stable` or `canary`, then
    /// `k8s.deployment.name` and `k8s.pod.name`, which name the canary's `…-canary`.
    pub track: Vec<TrackLabel>,
    /// The version; `service.version` by default.
    pub version: String,
    /// The pod: the first of these that is there. By default `k8s.pod.name`, then `service.instance.id`.
    pub pod: Vec<String>,
    /// The route of requests; `http.route` by default.
    pub route: String,
    /// The class of an error; `error.type` by default. Where it is missing, the status is the class.
    pub class: String,
    /// What says how a request ended: HTTP codes, or gRPC codes. By default `http.response.status_code`, then those of older
    /// conventions: `http.status_code` and `rpc.grpc.status_code`. A request failed where one of them or the class says so; where
    /// none is there, nobody knows, and it is left out.
    pub status: Vec<String>,
}

/// One metric, made of an instrument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "shape", deny_unknown_fields)]
pub enum OtlpMetric {
    /// Latency: a histogram of durations, of the requests that did not fail.
    Samples {
        /// The instrument.
        name: String,
        /// Its unit, where it does not say so itself, or is wrong about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<MetricUnit>,
    },
    /// Requests and those that failed: how many a histogram or a counter counted.
    Requests {
        /// The instrument.
        name: String,
    },
    /// Failed requests by class: how many a histogram or a counter counted.
    Classes {
        /// The instrument.
        name: String,
    },
    /// A gauge or an up-down counter: the mean of its values in the minute. Of a counter it is how much it grew in a second: of
    /// seconds of CPU time, cores. Points of the same moment in a request add up, such as those of each CPU mode.
    Value {
        /// The instrument.
        name: String,
        /// Its unit, where it does not say so itself, or is wrong about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<MetricUnit>,
    },
}

impl Default for OtlpConfig {
    /// The metrics of the semantic conventions, and no address of its own.
    fn default() -> Self {
        let duration = || "http.server.request.duration".to_owned();
        let value = |name: &str| OtlpMetric::Value { name: name.to_owned(), unit: None };
        let metrics = [
            (MetricName::LATENCY, OtlpMetric::Samples { name: duration(), unit: None }),
            (MetricName::REQUESTS, OtlpMetric::Requests { name: duration() }),
            (MetricName::ERRORS, OtlpMetric::Classes { name: duration() }),
            (MetricName::CPU, value("process.cpu.time")),
            (MetricName::MEMORY, value("process.memory.usage")),
        ];
        let metrics = metrics.into_iter();
        Self {
            listen: None,
            attributes: OtlpAttributes::default(),
            metrics: metrics
                .filter_map(|(name, metric)| Some((MetricName::new(name).ok()?, metric)))
                .collect(),
            max_request_bytes: 8 << 20,
        }
    }
}

impl Default for OtlpAttributes {
    fn default() -> Self {
        let name = str::to_owned;
        let names = |label: &str, names| TrackLabel::Name { label: label.to_owned(), names };
        Self {
            service: name("service.name"),
            track: vec![
                TrackLabel::Value(name("track")),
                names("k8s.deployment.name", Named::Deployment),
                names("k8s.pod.name", Named::Pod),
            ],
            version: name("service.version"),
            pod: vec![name("k8s.pod.name"), name("service.instance.id")],
            route: name("http.route"),
            class: name("error.type"),
            status: ["http.response.status_code", "http.status_code", "rpc.grpc.status_code"]
                .map(name)
                .to_vec(),
        }
    }
}

impl OtlpConfig {
    /// # Errors
    /// `Invalid`, naming the field.
    pub(crate) fn check(&self) -> Result<()> {
        let invalid = |field: &str, expected: &str| {
            Err(Error::invalid("otlp.config", expected).with("field", format_args!("otlp.{field}")))
        };
        if self.metrics.is_empty() {
            return invalid("metrics", "expected at least one metric");
        }
        if self.metrics.values().any(|metric| metric.name().is_empty()) {
            return invalid("metrics", "expected the name of an instrument");
        }
        if self.max_request_bytes == 0 {
            return invalid("max_request_bytes", "a limit must be at least 1");
        }
        if self.attributes.service.is_empty() {
            return invalid("attributes.service", "expected the name of an attribute");
        }
        if self.attributes.track.is_empty() {
            return invalid(
                "attributes.track",
                "expected at least one attribute: nothing is of a track else",
            );
        }
        let by_version = |label: &TrackLabel| matches!(label, TrackLabel::Name { names: Named::Version, .. });
        if self.attributes.track.iter().any(by_version) {
            let expected =
                "which versions run is not known here: expected `names` of something else, or patterns";
            return invalid("attributes.track", expected);
        }
        Ok(())
    }
}

impl OtlpMetric {
    /// The instrument that it is made of.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Samples { name, .. }
            | Self::Requests { name }
            | Self::Classes { name }
            | Self::Value { name, .. } => name,
        }
    }

    /// The shape of its blocks.
    #[must_use]
    pub fn shape(&self) -> BlockShape {
        match self {
            Self::Samples { .. } => BlockShape::Samples,
            Self::Requests { .. } => BlockShape::Requests,
            Self::Classes { .. } => BlockShape::Classes,
            Self::Value { .. } => BlockShape::Value,
        }
    }
}
