//! Workloads whose replicas an autoscaler sets: at 7, while the manifest says otherwise.
use nprt_core::model::Object;
use nprt_core::ports::{Applied, Change, Cluster};
use serde_json::{Value, json};

use crate::world::{World, deployment, with};

const PODS: [&str; 4] = ["get", "pods", "-o", "jsonpath={.items[*].metadata.uid}"];

fn replicas(applied: &Applied) -> Option<u64> {
    applied.object.as_value().pointer("/spec/replicas").and_then(Value::as_u64)
}

/// The manifest without replicas.
fn unnamed() -> Object {
    let mut deployment = deployment("cart");
    deployment.as_value_mut()["spec"].as_object_mut().unwrap().shift_remove("replicas");
    deployment
}

/// A person makes the autoscaler: it has no label of ours.
async fn autoscale(world: &World) {
    world.admin(&["autoscale", "deployment", "cart", "--min=1", "--max=20", "--cpu=50%"]).await;
}

#[tokio::test]
async fn the_first_apply_leaves_the_autoscaler_its_replicas() {
    let Some(world) = World::new("scale-first").await else { return };
    let lease = world.lease("cart").await;
    for by_kubectl in ["create", "apply"] {
        world.admin_with_input(&[by_kubectl, "-f", "-"], &deployment("cart").as_value().to_string()).await;
        autoscale(&world).await;
        world.admin(&["scale", "deployment", "cart", "--replicas=7"]).await;
        assert_eq!(replicas(&world.cluster.dry_run(&deployment("cart")).await.unwrap()), Some(7));
        for (manifest, change) in [
            (deployment("cart"), Change::Configured),
            (deployment("cart"), Change::Unchanged),
            (unnamed(), Change::Unchanged),
        ] {
            let applied = world.cluster.apply(&lease, &manifest).await.unwrap();
            assert_eq!((replicas(&applied), applied.change), (Some(7), change), "{by_kubectl}");
        }
        world.admin(&["delete", "hpa,deployment", "cart"]).await;
    }
}

#[tokio::test]
async fn replicas_that_only_we_own_are_kept_until_another_owns_them() {
    let Some(world) = World::new("scale-own").await else { return };
    let lease = world.lease("cart").await;
    let seven = with(deployment("cart"), "/spec/replicas", json!(7));
    world.cluster.apply(&lease, &seven).await.unwrap();
    autoscale(&world).await;
    world.admin(&["rollout", "status", "deployment", "cart", "--timeout=60s"]).await;
    let pods = world.admin(&PODS).await;
    assert_eq!(pods.split_whitespace().count(), 7);
    for manifest in [unnamed(), deployment("cart"), unnamed()] {
        let applied = world.cluster.apply(&lease, &manifest).await.unwrap();
        assert_eq!((replicas(&applied), applied.change), (Some(7), Change::Unchanged));
    }
    assert_eq!(world.admin(&PODS).await, pods, "no pod went");
    world.admin(&["scale", "deployment", "cart", "--replicas=5"]).await;
    let written = ["get", "deployment", "cart", "-o", "jsonpath={.metadata.generation}"];
    let generation = world.admin(&written).await;
    for manifest in [unnamed(), deployment("cart"), seven.clone()] {
        let applied = world.cluster.apply(&lease, &manifest).await.unwrap();
        assert_eq!((replicas(&applied), applied.change), (Some(5), Change::Unchanged));
    }
    assert_eq!(world.admin(&written).await, generation, "it was not written");
    world.admin(&["delete", "hpa", "cart"]).await;
    let error = world.cluster.apply(&lease, &seven).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains(".spec.replicas"), "{error}");
}

/// KEDA's objects count where its definition is there; all the other tests run without it.
#[tokio::test]
async fn a_scaled_object_of_keda_is_an_autoscaler() {
    let Some(world) = World::new("scale-keda").await else { return };
    let lease = world.lease("cart").await;
    let seven = with(deployment("cart"), "/spec/replicas", json!(7));
    world.cluster.apply(&lease, &seven).await.unwrap();
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "scaledobjects.keda.sh"},
        "spec": {"group": "keda.sh", "scope": "Namespaced",
            "names": {"kind": "ScaledObject", "plural": "scaledobjects", "singular": "scaledobject"},
            "versions": [{"name": "v1alpha1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": schema}}]}});
    world.admin_with_input(&["apply", "-f", "-"], &definition.to_string()).await;
    let established = ["wait", "--for=condition=Established", "crd/scaledobjects.keda.sh", "--timeout=30s"];
    world.admin(&established).await;
    let scaler = json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "cart"},
        "spec": {"scaleTargetRef": {"name": "cart"}}});
    world.admin_with_input(&["create", "-f", "-"], &scaler.to_string()).await;
    let applied = world.cluster.apply(&lease, &unnamed()).await.unwrap();
    assert_eq!((replicas(&applied), applied.change), (Some(7), Change::Unchanged));
    world.admin(&["delete", "scaledobjects.keda.sh", "cart"]).await;
    assert_eq!(replicas(&world.cluster.apply(&lease, &unnamed()).await.unwrap()), Some(1));
}
