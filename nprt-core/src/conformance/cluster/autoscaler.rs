//! Workloads whose replicas an autoscaler sets.

use serde_json::{Value, json};

use super::objects::{deployment, object, with};
use super::{ClusterFixture, clear, lease, service};
use crate::model::Object;
use crate::ports::{Applied, Change, Cluster};

const REPLICAS: &str = "/spec/replicas";

fn replicas(applied: &Applied) -> Option<u64> {
    applied.object.as_value().pointer(REPLICAS).and_then(Value::as_u64)
}

/// `deployment` without replicas.
fn unnamed(mut deployment: Object) -> Object {
    let spec = deployment.as_value_mut().get_mut("spec").and_then(Value::as_object_mut);
    spec.expect("a Deployment has a spec").shift_remove("replicas");
    deployment
}

/// The replicas of a workload that an autoscaler scales stay, whether the object names others or none, and
/// whether anybody but us owns them or not. Without the autoscaler they are a field like all others.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn an_autoscaler_keeps_the_replicas(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let lease = lease(cluster, fixture, &service("check-autoscaler")).await;
    let name = &lease.service;
    let scaler = object(json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "labels": {"nprt.dev/service": name}},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": 1, "maxReplicas": 9},
    }));
    cluster.apply(&lease, &deployment(name, 2, "1")).await.expect("applied");
    cluster.apply(&lease, &scaler).await.expect("applied");
    let desired = [deployment(name, 3, "1"), unnamed(deployment(name, 3, "1"))];
    for desired in &desired {
        let dry = cluster.dry_run(desired).await.expect("accepted");
        let applied = cluster.apply(&lease, desired).await.expect("applied");
        assert_eq!((replicas(&dry), replicas(&applied)), (Some(2), Some(2)), "only we own them: {desired:?}");
        assert_eq!((dry.change, applied.change), (Change::Unchanged, Change::Unchanged), "{desired:?}");
    }
    let live = cluster.get(&scaler.id()).await.expect("readable").expect("it is there");
    let scaled = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": live.namespace()}, "spec": {"replicas": 7}});
    fixture.apply_as("autoscaler", &object(scaled)).await;
    for desired in &desired {
        let dry = cluster.dry_run(desired).await.expect("no conflict");
        let applied = cluster.apply(&lease, desired).await.expect("no conflict");
        assert_eq!((replicas(&dry), replicas(&applied)), (Some(7), Some(7)), "{desired:?}");
        assert_eq!((dry.change, applied.change), (Change::Unchanged, Change::Unchanged), "{desired:?}");
    }
    let image = json!("registry.invalid/app:2");
    let next = with(deployment(name, 3, "1"), "/spec/template/spec/containers/0/image", image);
    let applied = cluster.apply(&lease, &next).await.expect("applied");
    assert_eq!((replicas(&applied), applied.change), (Some(7), Change::Configured), "all else is applied");
    cluster.delete(&lease, &scaler.id()).await.expect("deleted");
    if cluster.capabilities().field_owners {
        let error = cluster.apply(&lease, &next).await.expect_err("another manager owns the field");
        assert!(error.is_conflict(), "{error}");
    }
    clear(cluster, &lease).await;
}
