//! What measures in the pods: libraries, proxies of a mesh, kubelets.

use jiff::Timestamp;
use nprt_core::model::{BlockData, ServiceName, TimeRange, Track};
use nprt_core::ports::{MetricQuery, MetricsBackend as _, Versions};

use crate::support::name;
use crate::world::{Discovery, TRACKS, World, discovered, has_requests, measured, pod, world};

/// The pods of both tracks, and one that is no part of the service.
fn pods(text: &str, more: &[(&str, &str)]) -> Discovery {
    let pods = TRACKS.map(Some).into_iter();
    pods.map(|track| (discovered(track, more), text.to_owned())).collect()
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
async fn prometheus_client() {
    let Some(world) = world("prometheus-client", |text| pods(text, &[])).await else { return };
    has_requests(&world, (252, 12), &[("503", 12)]).await;
    let BlockData::Value(cpu) = measured_value(&world, "cpu").await else { panic!() };
    assert!((cpu - 0.11 / 15.0).abs() < 1e-3, "{cpu}");
    assert_eq!(measured_value(&world, "memory").await, BlockData::Value(23_437_312.0));
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
async fn kubernetes() {
    // Of three restarts two came after OOM kills; a third kill hit a process of a container that ran on.
    let targets = |text: &str| {
        // Two nodes.
        TRACKS
            .map(|track| ("__meta_kubernetes_node_name: n".to_owned(), text.replace("POD", pod(Some(track)))))
            .into()
    };
    let Some(world) = world("kubernetes", targets).await else { return };
    for (metric, expected) in [
        ("cpu", 2.250_893_76 / 15.0),
        ("memory", 7_753_728.0),
        ("throttling", 89.0 / 126.0),
        ("restarts", 12.0),
        ("oom_kills", 12.0),
    ] {
        let measured = measured(&world, metric).await;
        for track in TRACKS {
            let BlockData::Value(value) = measured[&track] else { panic!("{metric}: {measured:?}") };
            assert!((value - expected).abs() < 1e-9, "{metric} of {track}: {value}");
        }
    }
}

#[tokio::test]
async fn an_oom_kill_is_seen_by_cadvisor_or_by_kube_state_metrics() {
    let lines = |text: &str, family: &str| {
        let is_of = |line: &&str| line.trim_start_matches("# TYPE ").starts_with(family);
        let lines: Vec<&str> = text.lines().filter(is_of).collect();
        lines.join("\n")
    };
    let targets = |text: &str| {
        [(Track::Stable, "container_"), (Track::Canary, "kube_pod_")]
            .map(|(track, family)| {
                let text = lines(text, family).replace("POD", pod(Some(track)));
                ("__meta_kubernetes_node_name: n".to_owned(), text)
            })
            .into()
    };
    let Some(world) = world("kubernetes", targets).await else { return };
    let expected = [(Track::Stable, 4.0), (Track::Canary, 8.0)];
    let expected = expected.map(|(track, kills)| (track, BlockData::Value(kills)));
    assert_eq!(measured(&world, "oom_kills").await, expected.into());
}
