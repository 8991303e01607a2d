//! What measures in front of the service, and knows the names of its Services.

use nprt_core::model::BlockData;

use crate::world::{Discovery, Expected, discovered, has_requests, world};

/// A proxy in front, which knows the name of each Service.
pub(crate) fn proxy(text: &str, placeholder: &str, names: [&str; 2], more: &[(&str, &str)]) -> Discovery {
    // Each of our lines is there twice; lines of a family stand together.
    let mut lines = Vec::new();
    for line in text.lines() {
        let named = names.map(|name| line.replace(placeholder, name));
        lines.extend(named.into_iter().take(if line.contains(placeholder) { 2 } else { 1 }));
    }
    vec![(discovered(None, more), lines.join("\n"))]
}

#[tokio::test]
async fn envoy() {
    // Envoy's own edges, in milliseconds.
    let edges = [
        0.5, 1., 5., 10., 25., 50., 100., 250., 500., 1e3, 2500., 5e3, 1e4, 3e4, 6e4, 3e5, 6e5, 1.8e6, 3.6e6,
    ];
    let mut counts = vec![4, 0, 4, 0, 0, 184, 0, 44, 4];
    counts.resize(edges.len() + 1, 0);
    let latency = BlockData::Histogram { edges: edges.iter().map(|edge| edge / 1e3).collect(), counts };
    let expected = Expected { latency: &latency, requests: (252, 24), errors: &[("503", 20), ("504", 4)] };
    for names in
        [["shop/web/80", "shop/web-canary/80"], ["shop_web_80", "shop_web-canary_80"], ["web", "web-canary"]]
    {
        let port = ("__meta_kubernetes_pod_container_port_name", "metrics");
        let targets = |text: &str| proxy(text, "CLUSTER", names, &[port]);
        let Some(world) = world("envoy", targets).await else { return };
        expected.is_measured(&world).await;
    }
}

#[tokio::test]
async fn nginx_ingress() {
    // Two of them are those that the client gave up.
    let edges = vec![0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
    let latency = &BlockData::Histogram { edges, counts: vec![164, 4, 8, 4, 0, 48, 4, 4, 0, 0, 0, 0] };
    let errors = &[("502", 8), ("503", 12), ("504", 4)];
    let of = ("__meta_kubernetes_pod_label_app_kubernetes_io_name", "ingress-nginx");
    let targets = |text: &str| proxy(text, "CANARY", ["", "shop-web-canary-80"], &[of]);
    let Some(world) = world("nginx-ingress", targets).await else { return };
    Expected { latency, requests: (260, 24), errors }.is_measured(&world).await;
}

#[tokio::test]
async fn traefik() {
    // Two of them are those that the client gave up.
    let latency = &BlockData::Histogram { edges: vec![0.1, 0.3, 1.2, 5.0], counts: vec![192, 48, 8, 0, 0] };
    let errors = &[("502", 8), ("503", 12), ("504", 4), ("grpc 14", 8)];
    let expected = Expected { latency, requests: (280, 32), errors };
    let route = "httproute-shop-web-gw-shop-gateway-ep-web-0-799bcbf0c2317c5d1c93-svc-shop";
    let of_a_route = |backend: &str| format!("{route}-{backend}@kubernetesgateway");
    for [stable, canary, other] in [
        ["shop-web-stable-80", "shop-web-canary-80", "shop-web-api-80"]
            .map(|name| format!("{name}@kubernetes")),
        ["shop-web-http", "shop-web-canary-http", "shop-web-api-http"]
            .map(|name| format!("{name}@kubernetescrd")),
        ["web-stable-0", "web-canary-1", "web-api-0"].map(of_a_route),
    ] {
        let of = ("__meta_kubernetes_pod_label_app_kubernetes_io_name", "traefik");
        let targets =
            |text: &str| proxy(&text.replace("OTHER", &other), "SERVICE", [&stable, &canary], &[of]);
        let Some(world) = world("traefik", targets).await else { return };
        expected.is_measured(&world).await;
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
