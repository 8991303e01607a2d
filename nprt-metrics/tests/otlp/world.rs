use std::sync::Arc;

use nprt_core::clock::ManualClock;
use nprt_core::model::{Block, BlockData};
use nprt_core::ports::{Clock, LeftOutReason, Measured, MetricsBackend};
use nprt_metrics::otlp::{OtlpConfig, OtlpReceiver, OtlpReply};
use nprt_metrics::statsd::{Aggregator, Limits, Reason, StatsdConfig};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics, metric};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use crate::support::{clock_at, go_to, query};

pub(crate) const PROTOBUF: &str = "application/x-protobuf";
/// Attributes of a resource or a point.
pub(crate) type Pairs<'a> = &'a [(&'a str, &'a str)];
pub(crate) const STABLE: Pairs<'static> =
    &[("service.name", "shop"), ("track", "stable"), ("service.version", "v1"), ("k8s.pod.name", "web-0")];
pub(crate) const CANARY: Pairs<'static> =
    &[("service.name", "shop"), ("k8s.deployment.name", "web-canary"), ("service.instance.id", "i-7")];
pub(crate) const OK: Pairs<'static> = &[("http.route", "/cart"), ("http.response.status_code", "200")];

/// A receiver whose clock stands in minute 1, and the aggregator behind it.
pub(crate) struct World {
    pub(crate) receiver: OtlpReceiver,
    pub(crate) aggregator: Arc<Aggregator>,
    pub(crate) clock: Arc<ManualClock>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&OtlpConfig::default(), Limits::default())
    }

    pub(crate) fn with(otlp: &OtlpConfig, limits: Limits) -> Self {
        let clock = clock_at(0);
        let config = StatsdConfig { otlp: Some(otlp.clone()), limits, ..StatsdConfig::default() };
        let aggregator = Arc::new(Aggregator::new(&config, clock.clone()).unwrap());
        let receiver = OtlpReceiver::new(otlp, Arc::clone(&aggregator)).unwrap();
        go_to(&clock, 1);
        Self { receiver, aggregator, clock }
    }

    /// Now and so many seconds, in nanoseconds.
    pub(crate) fn nanos(&self, seconds: i64) -> u64 {
        u64::try_from(self.clock.now().as_second() + seconds).unwrap() * 1_000_000_000
    }

    pub(crate) fn post(&self, request: &ExportMetricsServiceRequest) -> OtlpReply {
        self.receiver.answer(Some(PROTOBUF), None, &request.encode_to_vec())
    }

    /// Sends an instrument, and says how many points were rejected and why.
    pub(crate) fn send(
        &self,
        resource: Pairs<'_>,
        name: &str,
        unit: &str,
        data: metric::Data,
    ) -> (i64, String) {
        let reply = self.post(&request(resource, vec![instrument(name, unit, data)]));
        assert_eq!((reply.status, reply.content_type), (200, PROTOBUF));
        let response = ExportMetricsServiceResponse::decode(&*reply.body).unwrap();
        let partial = response.partial_success.unwrap_or_default();
        (partial.rejected_data_points, partial.error_message)
    }

    /// Sends `http.server.request.duration` in seconds, of which all must be taken.
    pub(crate) fn duration(&self, resource: Pairs<'_>, data: metric::Data) {
        assert_eq!(self.send(resource, DURATION, "s", data), (0, String::new()));
    }

    /// What is answered when minute `minute` is over.
    pub(crate) async fn measured(&self, metric: &str, minute: i64) -> Measured {
        if self.clock.now() < crate::support::at(minute + 1) {
            go_to(&self.clock, minute + 1);
        }
        self.aggregator.blocks(&query(metric, minute, minute + 1)).await.unwrap()
    }

    pub(crate) async fn blocks(&self, metric: &str, minute: i64) -> Vec<Block> {
        self.measured(metric, minute).await.blocks
    }

    /// The data of the blocks.
    pub(crate) async fn data(&self, metric: &str, minute: i64) -> Vec<BlockData> {
        self.blocks(metric, minute).await.into_iter().map(|block| block.data).collect()
    }

    /// Points of `shop` that were left out since the start.
    pub(crate) fn left_out_so_far(&self, reason: Reason) -> u64 {
        let stats = self.aggregator.stats();
        stats.services["shop"].left_out.get(&reason).copied().unwrap_or_default()
    }

    pub(crate) async fn left_out(&self, metric: &str, minute: i64) -> Vec<(LeftOutReason, u64)> {
        let left_out = self.measured(metric, minute).await.left_out;
        left_out.into_iter().map(|left| (left.reason, left.points)).collect()
    }
}

pub(crate) const DURATION: &str = "http.server.request.duration";

pub(crate) fn pairs(pairs: Pairs<'_>) -> Vec<KeyValue> {
    let value = |text: &str| match text.parse() {
        Ok(number) => Value::IntValue(number),
        Err(_) => Value::StringValue(text.to_owned()),
    };
    let pair = |(key, text): &(&str, &str)| KeyValue {
        key: (*key).to_owned(),
        value: Some(AnyValue { value: Some(value(text)) }),
        ..KeyValue::default()
    };
    pairs.iter().map(pair).collect()
}

pub(crate) fn instrument(name: &str, unit: &str, data: metric::Data) -> Metric {
    Metric { name: name.to_owned(), unit: unit.to_owned(), data: Some(data), ..Metric::default() }
}

pub(crate) fn request(resource: Pairs<'_>, metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
    let resource = Some(Resource { attributes: pairs(resource), ..Resource::default() });
    let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
    let of = ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![of] }
}
