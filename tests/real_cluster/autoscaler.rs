//! An autoscaler beside a canary: it averages over the pods that stable's selector selects.

use std::time::Duration;

use nprt::manifest::StableSelector;
use nprt::pipeline::Service;
use serde_json::{Value, json};

use crate::world::{World, manifests, shop};

/// Four pods of stable, one of the canary, each of which uses half as much again as it should.
const STABLE: u64 = 4;
const WITH_CANARY: u64 = 8;
const ALONE: u64 = 6;

async fn create(world: &World, object: &Value) {
    world.kubectl_with_input(&["create", "-f", "-"], &object.to_string()).await;
}

/// The API of a metrics server, without one: what it would measure are objects.
async fn install_metrics(world: &World) {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "pods.metrics.k8s.io",
            "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"}},
        "spec": {"group": "metrics.k8s.io", "scope": "Namespaced",
            "names": {"kind": "PodMetrics", "plural": "pods", "singular": "pod", "listKind": "PodMetricsList"},
            "versions": [{"name": "v1beta1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": schema}}]}});
    create(world, &definition).await;
    world.kubectl(&["wait", "--for=condition=Established", "crd/pods.metrics.k8s.io", "--timeout=30s"]).await;
}

/// Measures 150 MiB in each pod of web, and then starts an autoscaler that wants 100: it asks for `expected`
/// replicas, and no more. One of a name of its own: the controller remembers what it recommended to one of the same.
async fn autoscaled(world: &World, name: &str, expected: u64) {
    let pods = world.kubectl(&["get", "pods", "-l", "app=web", "-o", "json"]).await;
    let pods: Value = serde_json::from_str(&pods).unwrap();
    let measured = pods["items"].as_array().unwrap().iter().map(|pod| {
        json!({"apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics",
            "metadata": {"name": pod["metadata"]["name"], "labels": pod["metadata"]["labels"]},
            "timestamp": pod["metadata"]["creationTimestamp"], "window": "30s",
            "containers": [{"name": "web", "usage": {"memory": "150Mi"}}]})
    });
    let measured: Vec<Value> = measured.collect();
    assert_eq!(measured.len() as u64, STABLE + 1);
    create(world, &json!({"apiVersion": "v1", "kind": "List", "items": measured})).await;
    let memory = json!({"name": "memory", "target": {"type": "AverageValue", "averageValue": "100Mi"}});
    let scaler = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 1, "maxReplicas": 20, "metrics": [{"type": "Resource", "resource": memory}]}});
    create(world, &scaler).await;
    let wanted = ["get", "deployment", "web", "-o", "jsonpath={.spec.replicas}"];
    for _ in 0..120 {
        if world.kubectl(&wanted).await == expected.to_string() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    // It looks every second, and would go on.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let replicas = world.kubectl(&wanted).await;
    let why = world.kubectl(&["describe", "hpa", name]).await;
    let pods = world.kubectl(&["get", "pods,deployments,replicasets", "--show-labels"]).await;
    assert_eq!(replicas, expected.to_string(), "{why}\n{pods}");
    world.kubectl(&["delete", "hpa", name]).await;
    world.kubectl(&["delete", "pods.metrics.k8s.io", "--all"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_counts_the_canarys_pods_unless_stable_selects_its_track() {
    let Some(world) = World::new("hpa").await else { return };
    install_metrics(&world).await;
    let version = |n| world.commit(&manifests(n, "").replace("replicas: 2", "replicas: 4"));
    let [first, second] = [1, 2].map(version);

    let process = world.process().await;
    process.deploy(&first).await.unwrap();
    process.canary(&second).await.unwrap();
    // For 5 pods.
    autoscaled(&world, "all", WITH_CANARY).await;
    process.rollback().await.unwrap();

    // The docs' way for a Deployment that is there: another takes over its pods.
    world.kubectl(&["delete", "deployment", "web", "--cascade=orphan"]).await;
    let before = world.pods("stable").await;
    let mut service = Service::new(shop());
    service.transform.stable_selector = StableSelector::AddTrack;
    let process = world.process_of(service).await;
    process.deploy(&first).await.unwrap();
    let (selector, pods) =
        (r"jsonpath={.spec.selector.matchLabels.nprt\.dev/track}", world.pods("stable").await);
    assert_eq!(world.kubectl(&["get", "deployment", "web", "-o", selector]).await, "stable");
    assert!(pods.is_subset(&before), "no pod is new");
    process.canary(&second).await.unwrap();
    // For 4 pods.
    autoscaled(&world, "stable", ALONE).await;
}
