//! Several metrics backends as one keep the contract of one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use nprt_core::conformance::metrics::{self, Recorded};
use nprt_core::model::{Block, BlockData, BlockShape, MetricName, ServiceName, TimeRange, Track};
use nprt_core::ports::{MetricQuery, MetricsBackend, Versions};
use nprt_core::wrap::ByMetric;
use nprt_memory::{ManualClock, MemoryMetrics, Origin};

const MINUTE: i64 = 29_000_000;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second((MINUTE + minute) * 60 + 30).unwrap()
}

fn fresh() -> MemoryMetrics {
    MemoryMetrics::new(Arc::new(ManualClock::new(at(4))))
        .with_metric(MetricName::new("sizes").unwrap(), BlockShape::Histogram)
}

fn name(metric: &str) -> MetricName {
    MetricName::new(metric).unwrap()
}

/// A server, and a tracker for the metric `errors`.
fn both(server: MemoryMetrics, tracker: MemoryMetrics) -> ByMetric {
    ByMetric::new(Arc::new(server)).with(name("errors"), Arc::new(tracker))
}

fn data() -> [(&'static str, BlockData); 5] {
    [
        ("latency", BlockData::Samples(vec![0.1, 0.2])),
        ("cpu", BlockData::Value(0.25)),
        ("requests", BlockData::Requests { requests: 15, errors: 1 }),
        ("errors", BlockData::Classes(BTreeMap::from([("Io".to_owned(), 3)]))),
        ("sizes", BlockData::Histogram { edges: vec![0.1], counts: vec![1, 2] }),
    ]
}

#[tokio::test]
async fn conforms() {
    let (server, tracker, service) = (fresh(), fresh(), ServiceName::new("shop").unwrap());
    let mut blocks = Vec::new();
    for minute in [0, 2, 3, 4] {
        for track in [Track::Canary, Track::Stable] {
            let origin = Origin::new(track).version("1").pod("p").route("/a");
            for (metric, data) in data() {
                let errors = BlockData::Classes(BTreeMap::from([("500".to_owned(), 99)]));
                let (kept_by, other) =
                    if metric == "errors" { (&tracker, &server) } else { (&server, &tracker) };
                kept_by.record(&service, metric, at(minute), &origin, data.clone()).unwrap();
                // What the other one says of the metric is not asked for.
                if metric == "errors" {
                    other.record(&service, metric, at(minute), &origin, errors).unwrap();
                }
                blocks.push(Block {
                    minute: MINUTE + minute,
                    track,
                    version: Some("1".to_owned()),
                    pod: Some("p".to_owned()),
                    route: Some("/a".to_owned()),
                    metric: name(metric),
                    data,
                });
            }
        }
    }
    blocks.retain(|block| block.minute < MINUTE + 4);
    let recorded = Recorded { service, blocks };
    metrics::all(&both(server, tracker), &both(fresh(), fresh()), &recorded).await;
}

#[tokio::test]
async fn what_one_forgot_is_not_known() {
    let (server, tracker) = (fresh(), fresh());
    tracker.forget();
    let metrics = both(server.clone(), tracker.clone());
    assert_eq!(metrics.known_since().await.unwrap(), tracker.known_since().await.unwrap());
    assert!(metrics.known_since().await.unwrap() > server.known_since().await.unwrap());
}

#[tokio::test]
async fn what_no_one_has_names_what_all_have() {
    let range = TimeRange::new(at(0), at(1)).unwrap();
    let service = ServiceName::new("shop").unwrap();
    let query = MetricQuery { service, metric: name("queue"), range, versions: Versions::default() };
    let metrics = ByMetric::new(Arc::new(fresh())).with(name("exceptions"), Arc::new(fresh()));
    let error = metrics.blocks(&query).await.unwrap_err();
    assert!(error.is_not_configured(), "{error}");
    for known in ["exceptions", "latency", "sizes"] {
        assert!(error.available().iter().any(|name| name == known), "{error}");
    }
    assert!(metrics.capabilities().metrics.unwrap().contains(&name("exceptions")));
}
