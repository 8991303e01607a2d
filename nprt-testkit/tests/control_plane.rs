//! The control plane as tests see it: nodes, namespaces, users, and an API server that dies.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use nprt_testkit::{ControlPlane, ControlPlaneOptions, need};

#[tokio::test]
async fn runs_with_its_nodes_and_survives_its_api_server() {
    let options = ControlPlaneOptions { nodes: 2, data: None };
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
