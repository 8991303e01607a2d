//! The control plane as tests see it: nodes, namespaces, users, and an API server that dies.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::time::{Duration, Instant};

use nprt_testkit::{ControlPlane, ControlPlaneOptions, need};

#[tokio::test]
async fn runs_with_its_nodes_and_survives_its_api_server() {
    let options = ControlPlaneOptions { nodes: 2, ..ControlPlaneOptions::default() };
    let Some(mut plane) = need(ControlPlane::start_with(options).await) else { return };
    let nodes = plane.kubectl().run(&["get", "nodes", "--no-headers"]).await.unwrap();
    assert_eq!(nodes.lines().filter(|line| line.contains(" Ready ")).count(), 2, "{nodes}");

    let namespace = plane.namespace("limits").await.unwrap();
    let limited = plane.service_account(&namespace, "limited").await.unwrap();
    let refused = limited.run(&["get", "pods", "-n", &namespace]).await.unwrap_err().to_string();
    assert!(refused.contains("Forbidden"), "{refused}");

    plane.kill_api_server();
    plane.kubectl().run(&["get", "--raw", "/readyz", "--request-timeout=1s"]).await.unwrap_err();
    plane.restart_api_server().await.unwrap();
    let found = plane.kubectl().run(&["get", "namespace", &namespace, "-o", "name"]).await.unwrap();
    assert_eq!(found.trim(), format!("namespace/{namespace}"));
}

#[tokio::test]
async fn goes_on_with_what_is_in_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let options = || ControlPlaneOptions {
        nodes: 1,
        data: Some(folder.path().to_owned()),
        ..ControlPlaneOptions::default()
    };
    let start = || ControlPlane::start_with(options());
    let Some(plane) = need(start().await) else { return };
    plane.kubectl().run(&["create", "deployment", "cart", "--image=registry.invalid/cart:1"]).await.unwrap();
    let wait = ["rollout", "status", "deployment", "cart", "--timeout=60s"];
    plane.kubectl().run(&wait).await.unwrap();
    drop(plane);
    let plane = start().await.unwrap();
    plane.kubectl().run(&["scale", "deployment", "cart", "--replicas=2"]).await.unwrap();
    plane.kubectl().run(&wait).await.unwrap();
    let pods = ["get", "pods", "--field-selector=status.phase=Running", "-o", "name"];
    let deadline = Instant::now() + Duration::from_secs(30);
    while plane.kubectl().run(&pods).await.unwrap().lines().count() != 2 {
        assert!(Instant::now() < deadline, "the controllers and the nodes go on");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
