//! The contract of the port, for each profile and by each version of the API.

use std::collections::{BTreeMap, BTreeSet};

use nprt_core::conformance::metrics::{self, Recorded};
use nprt_core::model::{Block, BlockData, BlockShape, Secret, ServiceName, Track};
use nprt_core::ports::{MetricsBackend, MetricsCapabilities};
use nprt_metrics::datadog::{Datadog, DatadogApi, DatadogConfig, DatadogProfile};
use wiremock::MockServer;

use crate::account::Account;
use crate::support::{MINUTE, clock_at, name, query};

const SAMPLES: [f64; 4] = [0.004, 0.04, 0.04, 12.0];

fn latency(edges: &[f64], counts: &[u64]) -> BlockData {
    BlockData::Histogram { edges: edges.to_vec(), counts: counts.to_vec() }
}

/// One minute of a pod of the shop as Datadog's tracing has it, and the blocks that must come of it.
fn traced(account: &mut Account, minute: i64, track: Track, pod: &str) -> Vec<Block> {
    let version = if track == Track::Canary { "1.3" } else { "1.2" };
    for (service, factor) in [("shop", 1.0), ("other", 7.0)] {
        let mut send = |metric: &str, more: &[(&str, &str)], numbers: &[f64]| {
            let mut tags = vec![("service", service), ("version", version), ("pod_name", pod)];
            tags.extend(more);
            account.send(metric, minute, &tags, numbers);
        };
        let route = ("resource_name", "get_/cart");
        send("trace.http.request", &[route], &SAMPLES);
        for (code, hits) in [("200", 60.0), ("500", 8.0), ("503", 4.0)] {
            send("trace.http.request.hits", &[route, ("http.status_code", code)], &[factor * hits]);
            if code != "200" {
                send("trace.http.request.errors", &[route, ("http.status_code", code)], &[factor * hits]);
            }
        }
        send("kubernetes.cpu.usage.total", &[], &[factor * 0.5e9]);
        send("kubernetes.memory.usage", &[], &[factor * 1e6]);
    }
    let edges = [0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0];
    let counts = [1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    expected(minute, track, version, pod, "get_/cart", latency(&edges, &counts), "500")
}

/// The same as the Agent's OpenMetrics check has it.
fn scraped(account: &mut Account, minute: i64, track: Track, pod: &str) -> Vec<Block> {
    let version = if track == Track::Canary { "1.3" } else { "1.2" };
    for (service, factor) in [("shop", 1.0), ("other", 7.0)] {
        let mut send = |metric: &str, more: &[(&str, &str)], number: f64| {
            let mut tags = vec![("service", service), ("track", track.as_str()), ("version", version)];
            tags.extend([("pod_name", pod)]);
            tags.extend(more);
            account.send(&format!("shop.{metric}"), minute, &tags, &[factor * number]);
        };
        let route = ("route", "/cart");
        for (edge, count) in [("0.005", 1.0), ("0.05", 3.0), ("inf", 4.0)] {
            send("http_request_duration_seconds.bucket", &[route, ("upper_bound", edge)], count);
        }
        for (code, hits) in [("200", 60.0), ("500", 8.0), ("503", 4.0)] {
            send("http_requests.count", &[route, ("code", code)], hits);
        }
        send("process_cpu_seconds.count", &[], 30.0);
        send("process_resident_memory_bytes", &[], 1e6);
    }
    expected(minute, track, version, pod, "/cart", latency(&[0.005, 0.05], &[1, 2, 1]), "500")
}

fn expected(
    minute: i64,
    track: Track,
    version: &str,
    pod: &str,
    route: &str,
    latency: BlockData,
    code: &str,
) -> Vec<Block> {
    let block = |metric: &str, is_routed: bool, data| Block {
        minute,
        track,
        version: Some(version.to_owned()),
        pod: Some(pod.to_owned()),
        route: is_routed.then(|| route.to_owned()),
        metric: name(metric),
        data,
    };
    let classes = BTreeMap::from([(code.to_owned(), 8), ("503".to_owned(), 4)]);
    vec![
        block("latency", true, latency),
        block("requests", true, BlockData::Requests { requests: 72, errors: 12 }),
        block("errors", true, BlockData::Classes(classes)),
        block("cpu", false, BlockData::Value(0.5)),
        block("memory", false, BlockData::Value(1e6)),
    ]
}

/// Minute 4 ended less than the delay ago.
fn open(fake: &MockServer, profile: &DatadogProfile, api: DatadogApi) -> Datadog {
    let mut config = DatadogConfig::of(Secret::new("s3cret-api"), Secret::new("s3cret-app"), profile);
    config.url = Some(fake.uri());
    config.api = api;
    config.build(clock_at(6)).unwrap()
}

async fn conforms(
    profile: &DatadogProfile,
    minute_of: fn(&mut Account, i64, Track, &str) -> Vec<Block>,
    api: DatadogApi,
) {
    let (mut account, mut blocks) = (Account::default(), Vec::new());
    for (track, pod) in [(Track::Canary, "c"), (Track::Stable, "t"), (Track::Stable, "s")] {
        for minute in [0, 2, 3, 4] {
            let of_minute = minute_of(&mut account, MINUTE + minute, track, pod);
            if minute < 4 {
                blocks.extend(of_minute);
            }
        }
    }
    let fake = account.serve().await;
    let recorded = Recorded { service: ServiceName::new("shop").unwrap(), blocks };
    metrics::all(&open(&fake, profile, api), &open(&fake, profile, api), &recorded).await;
    // A long range takes several requests and answers the same.
    let long = open(&fake, profile, api).blocks(&query("cpu", -3000, 7)).await.unwrap();
    assert_eq!(long.blocks.len(), 9);
}

fn openmetrics() -> DatadogProfile {
    DatadogProfile::Openmetrics { namespace: "shop".to_owned() }
}

#[tokio::test]
async fn traces_conform() {
    conforms(&DatadogProfile::default(), traced, DatadogApi::Auto).await;
}

#[tokio::test]
async fn traces_conform_by_version_1() {
    conforms(&DatadogProfile::default(), traced, DatadogApi::V1).await;
}

#[tokio::test]
async fn openmetrics_conform() {
    conforms(&openmetrics(), scraped, DatadogApi::V2).await;
}

#[tokio::test]
async fn openmetrics_conform_by_version_1() {
    conforms(&openmetrics(), scraped, DatadogApi::V1).await;
}

#[test]
fn capabilities() {
    let metrics = ["latency", "requests", "errors", "cpu", "memory"].map(name);
    let expected = MetricsCapabilities {
        metrics: Some(BTreeSet::from(metrics)),
        shapes: BTreeSet::from([
            BlockShape::Histogram,
            BlockShape::Value,
            BlockShape::Requests,
            BlockShape::Classes,
        ]),
        history: true,
        pods: true,
        routes: true,
    };
    for profile in [DatadogProfile::default(), openmetrics()] {
        let config = DatadogConfig::of(Secret::new("a"), Secret::new("b"), &profile);
        assert_eq!(config.build(clock_at(0)).unwrap().capabilities(), expected);
    }
}
