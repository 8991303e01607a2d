//! Each profile against what its producer exposes, scraped by Debian's Prometheus as `docs/metrics.md` says, and asked as the page
//! says: a test reads both blocks from the page.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(feature = "prometheus")]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use nprt_core::clock::ManualClock;
use nprt_core::model::{BlockData, ServiceName, TimeRange, Track};
use nprt_core::ports::{MetricQuery, MetricsBackend, Versions};
use nprt_metrics::prometheus::{Profile, Prometheus, PrometheusConfig};
use serde::Deserialize;
use support::name;
use support::scraped::{Exposition, Scraped, log_in, scraped};

const PAGE: &str = include_str!("../../docs/metrics.md");

/// The blocks of YAML of the page's section of this name.
fn blocks(section: &str) -> Vec<String> {
    let text = PAGE.split("\n## ").find_map(|text| text.strip_prefix(&format!("{section}\n")));
    let text = text.unwrap_or_else(|| panic!("docs/metrics.md has no section {section}"));
    text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    metrics: Metrics,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metrics {
    prometheus: PrometheusConfig,
}

fn config(yaml: &str) -> PrometheusConfig {
    let service: Service = serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    service.metrics.prometheus
}

/// The labels that Kubernetes' discovery finds of a pod of the service `web` that nprt deployed.
fn discovered(track: Option<Track>, more: &[(&str, &str)]) -> String {
    let (pod, version) = (pod(track), "main-3f2a91c");
    let mut labels = format!("__meta_kubernetes_pod_name: {pod}, __meta_kubernetes_namespace: shop");
    if let Some(track) = track {
        write!(
            labels,
            ", __meta_kubernetes_pod_label_nprt_dev_service: web, __meta_kubernetes_pod_label_nprt_dev_track: {track}, \
             __meta_kubernetes_pod_label_app_kubernetes_io_version: {version}"
        )
        .unwrap();
    }
    for (label, value) in more {
        write!(labels, ", {label}: '{value}'").unwrap();
    }
    labels
}

fn pod(track: Option<Track>) -> &'static str {
    match track {
        Some(Track::Canary) => "web-canary-6d4cf56db6-x7k2p",
        Some(Track::Stable) => "web-7c9df48b5b-x7k2p",
        None => "backup-7c9df48b5b-x7k2p",
    }
}

/// A job's discovery as labels of targets, by what they expose.
type Discovery = Vec<(String, String)>;

/// A backend as the page sets it up, the first minute that is measured, and the server that measured.
struct World {
    backend: Prometheus,
    minute: i64,
    _server: nprt_testkit::Prometheus,
}

/// The world of a section; `targets` makes what is discovered out of the exposition.
async fn world(section: &str, targets: impl Fn(&str) -> Discovery) -> Option<World> {
    let page = blocks(section);
    let [settings, scrape] = page.as_slice() else { panic!("{section} has {} blocks", page.len()) };
    let path = format!("{}/tests/exposition/{section}.prom", env!("CARGO_MANIFEST_DIR"));
    let targets = targets(&std::fs::read_to_string(&path).unwrap());
    let targets = targets.into_iter().map(|(labels, text)| (labels, Exposition::Text(text))).collect();
    let Scraped { server, minute } = scraped(scrape, targets, &[]).await?;
    let mut config = config(settings);
    log_in(&mut config, &server);
    let clock = ManualClock::new(Timestamp::from_second((minute + 4) * 60 + 1).unwrap());
    let backend = config.build(Arc::new(clock)).unwrap();
    Some(World { backend, minute, _server: server })
}

/// What a metric did in each of the four minutes, which must be the same, by track.
async fn measured(world: &World, metric: &str) -> BTreeMap<Track, BlockData> {
    let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
    let query = MetricQuery {
        service: ServiceName::new("web").unwrap(),
        metric: name(metric),
        range: TimeRange::new(at(world.minute), at(world.minute + 4)).unwrap(),
        versions: Versions::default(),
    };
    let measured = world.backend.blocks(&query).await.unwrap_or_else(|error| panic!("{metric}: {error}"));
    assert_eq!(measured.left_out, [], "{metric}");
    let blocks = measured.blocks;
    let mut found: BTreeMap<Track, BlockData> = BTreeMap::new();
    for block in &blocks {
        let first = found.entry(block.track).or_insert_with(|| block.data.clone());
        assert_eq!(
            *first,
            block.data,
            "{metric} of {:?} in minute {}",
            block.track,
            block.minute - world.minute
        );
    }
    assert_eq!(blocks.len(), 8, "{metric}: {blocks:?}");
    found
}

/// The same on both tracks.
fn both(data: &BlockData) -> BTreeMap<Track, BlockData> {
    [Track::Stable, Track::Canary].into_iter().map(|track| (track, data.clone())).collect()
}

fn classes(of: &[(&str, u64)]) -> BlockData {
    BlockData::Classes(of.iter().map(|(class, count)| ((*class).to_owned(), *count)).collect())
}

/// 60 answers in a scrape and some failures; all that is another's has 900.
async fn has_requests(world: &World, requests: (u64, u64), of: &[(&str, u64)]) {
    let latency = BlockData::Histogram { edges: vec![0.1, 0.5, 1.0], counts: vec![160, 48, 32, 0] };
    assert_eq!(measured(world, "latency").await, both(&latency));
    let (requests, errors) = requests;
    let requests = BlockData::Requests { requests, errors };
    assert_eq!(measured(world, "requests").await, both(&requests));
    assert_eq!(measured(world, "errors").await, both(&classes(of)));
}

const TRACKS: [Track; 2] = [Track::Stable, Track::Canary];

/// The pods of both tracks, and one that is no part of the service.
fn pods(text: &str, more: &[(&str, &str)]) -> Discovery {
    let pods = TRACKS.map(Some).into_iter();
    pods.map(|track| (discovered(track, more), text.to_owned())).collect()
}

/// A proxy in front, which knows the name of each Service.
fn proxy(text: &str, placeholder: &str, names: [&str; 2], more: &[(&str, &str)]) -> Discovery {
    // Each of our lines is there twice; lines of a family stand together.
    let mut lines = Vec::new();
    for line in text.lines() {
        let named = names.map(|name| line.replace(placeholder, name));
        lines.extend(named.into_iter().take(if line.contains(placeholder) { 2 } else { 1 }));
    }
    vec![(discovered(None, more), lines.join("\n"))]
}

#[tokio::test]
async fn prometheus_client() {
    let Some(world) = world("prometheus-client", |text| pods(text, &[])).await else { return };
    has_requests(&world, (252, 12), &[("503", 12)]).await;
    let BlockData::Value(cpu) = measured_value(&world, "cpu").await else { panic!() };
    assert!((cpu - 0.11 / 15.0).abs() < 1e-3, "{cpu}");
    assert_eq!(measured_value(&world, "memory").await, BlockData::Value(23_437_312.0));
}

/// A value of stable's first minute.
async fn measured_value(world: &World, metric: &str) -> BlockData {
    let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
    let range = TimeRange::new(at(world.minute), at(world.minute + 1)).unwrap();
    let query = MetricQuery {
        service: ServiceName::new("web").unwrap(),
        metric: name(metric),
        range,
        versions: Versions::default(),
    };
    let measured = world.backend.blocks(&query).await.unwrap_or_else(|error| panic!("{metric}: {error}"));
    assert_eq!(measured.left_out, [], "{metric}");
    let blocks = measured.blocks;
    assert_eq!(blocks.len(), 2, "{metric}: {blocks:?}");
    blocks.into_iter().find(|block| block.track == Track::Stable).unwrap().data
}

#[tokio::test]
async fn opentelemetry() {
    let Some(world) = world("opentelemetry", |text| pods(text, &[])).await else { return };
    has_requests(&world, (256, 16), &[("503", 12), ("TimeoutError", 4)]).await;
}

#[tokio::test]
async fn istio() {
    let port = ("__meta_kubernetes_pod_container_port_name", "http-envoy-prom");
    let targets = |text: &str| {
        let mut targets = Vec::new();
        for (track, workload) in TRACKS.into_iter().zip(["web", "web-canary"]) {
            targets.push((discovered(Some(track), &[port]), text.replace("WORKLOAD", workload)));
        }
        targets.push((discovered(None, &[port]), text.replace("WORKLOAD", "web-api")));
        targets
    };
    let Some(world) = world("istio", targets).await else { return };
    has_requests(&world, (256, 16), &[("0", 4), ("503", 8), ("grpc 14", 4)]).await;
}

#[tokio::test]
async fn linkerd() {
    let targets = |text: &str| {
        let port = ("__meta_kubernetes_pod_container_port_name", "linkerd-admin");
        let mut targets = Vec::new();
        for (track, workload) in
            [(Some(Track::Stable), "web"), (Some(Track::Canary), "web-canary"), (None, "web-api")]
        {
            let deployment = ("__meta_kubernetes_pod_label_linkerd_io_proxy_deployment", workload);
            targets.push((discovered(track, &[port, deployment]), text.to_owned()));
        }
        targets
    };
    let Some(world) = world("linkerd", targets).await else { return };
    has_requests(&world, (256, 16), &[("503", 12), ("grpc 14", 4)]).await;
}

#[tokio::test]
async fn envoy() {
    for names in [
        ["outbound|80||web-stable.shop.svc.cluster.local", "outbound|80||web-canary.shop.svc.cluster.local"],
        ["shop/web/80", "shop/web-canary/80"],
        ["web", "web-canary"],
    ] {
        let port = ("__meta_kubernetes_pod_container_port_name", "metrics");
        let targets = |text: &str| proxy(text, "CLUSTER", names, &[port]);
        let Some(world) = world("envoy", targets).await else { return };
        has_requests(&world, (252, 12), &[("503", 12)]).await;
    }
}

#[tokio::test]
async fn nginx_ingress() {
    let of = ("__meta_kubernetes_pod_label_app_kubernetes_io_name", "ingress-nginx");
    let targets = |text: &str| proxy(text, "CANARY", ["", "shop-web-canary-80"], &[of]);
    let Some(world) = world("nginx-ingress", targets).await else { return };
    has_requests(&world, (252, 12), &[("503", 12)]).await;
}

#[tokio::test]
async fn traefik() {
    for names in [
        ["shop-web-stable-80@kubernetes", "shop-web-canary-80@kubernetes"],
        ["shop-web-http@kubernetescrd", "shop-web-canary-http@kubernetescrd"],
        ["web@file", "web-canary@file"],
    ] {
        let of = ("__meta_kubernetes_pod_label_app_kubernetes_io_name", "traefik");
        let targets = |text: &str| proxy(text, "SERVICE", names, &[of]);
        let Some(world) = world("traefik", targets).await else { return };
        has_requests(&world, (252, 12), &[("503", 12)]).await;
    }
}

#[tokio::test]
async fn kong() {
    for names in [["shop.web-stable.80", "shop.web-canary.80"], ["web", "web-canary"]] {
        let of = ("__meta_kubernetes_pod_label_app_kubernetes_io_name", "kong");
        let targets = |text: &str| proxy(text, "SERVICE", names, &[of]);
        let Some(world) = world("kong", targets).await else { return };
        has_requests(&world, (252, 12), &[("503", 12)]).await;
    }
}

#[tokio::test]
async fn kubernetes() {
    let targets = |text: &str| {
        // Two nodes.
        TRACKS
            .map(|track| ("__meta_kubernetes_node_name: n".to_owned(), text.replace("POD", pod(Some(track)))))
            .into()
    };
    let Some(world) = world("kubernetes", targets).await else { return };
    for (metric, expected) in
        [("cpu", 0.25), ("memory", 1_000_000.0), ("throttling", 0.25), ("restarts", 8.0), ("oom_kills", 4.0)]
    {
        let measured = measured(&world, metric).await;
        for track in TRACKS {
            let BlockData::Value(value) = measured[&track] else { panic!("{metric}: {measured:?}") };
            assert!((value - expected).abs() < 1e-9, "{metric} of {track}: {value}");
        }
    }
}

#[test]
fn every_profile_has_a_section_and_every_block_is_read() {
    for (name, _) in Profile::ALL {
        assert_eq!(blocks(name).len(), 2, "{name}");
        let read = config(&blocks(name)[0]);
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        read.build(clock).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(PAGE.contains(&format!("| [`{name}`](#{name}) |")), "{name} is not in the table");
    }
    let access = config(&blocks("Access")[0]);
    assert_eq!((access.headers.len(), access.http.ca.is_some()), (1, true));
    let changed = config(&blocks("Changing parts")[0]);
    assert_eq!(changed.source.labels.version.as_deref(), Some("destination_canonical_revision"));
    assert_eq!((changed.source.labels.pod.as_deref(), changed.source.metrics.len()), (None, 3));
    changed.build(Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH))).unwrap();
}
