//! The memory backend of the cluster port keeps the contract.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use nprt_core::conformance::cluster::{self, ClusterFixture};
use nprt_core::model::{Object, ServiceName};
use nprt_core::ports::{
    Change, Clock, Cluster, ClusterCapabilities, Deletion, Lease, LeaseRequest, ObjectEvent, Purpose,
    RolloutPhase, Takeover,
};
use nprt_core::wrap::{Backoff, Retry};
use nprt_memory::{ManualClock, MemoryCluster};
use serde_json::{Value, json};

struct Fixture {
    cluster: MemoryCluster,
    clock: Arc<ManualClock>,
}

#[async_trait]
impl ClusterFixture for Fixture {
    fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    async fn apply_as(&self, manager: &str, object: &Object) {
        self.cluster.apply_as(manager, object).unwrap();
    }

    async fn seen_by(&self, clock: Arc<dyn Clock>) -> Arc<dyn Cluster> {
        Arc::new(self.cluster.clone().seen_by(clock))
    }

    async fn events(&self, object: &Object) -> Vec<ObjectEvent> {
        let all = self.cluster.events().into_iter();
        all.filter(|(id, _)| *id == object.id()).map(|(_, event)| event).collect()
    }
}

fn fixture() -> Fixture {
    let clock = Arc::new(ManualClock::auto_advancing(ManualClock::default().now()));
    Fixture { cluster: MemoryCluster::new(clock.clone()).with_namespace("shop"), clock }
}

async fn lease(cluster: &MemoryCluster) -> Lease {
    let request = LeaseRequest {
        service: ServiceName::new("cart").unwrap(),
        holder: "test".into(),
        process: "host".into(),
        purpose: Purpose::unknown("a test"),
        duration: Duration::from_secs(3600),
        takeover: Takeover::Now,
    };
    cluster.acquire(&request).await.unwrap()
}

fn deployment(tag: &str, replicas: u64, annotations: &Value) -> Object {
    let labels = json!({"app": "cart", "nprt.dev/service": "cart"});
    let template = json!({
        "metadata": {"labels": labels, "annotations": annotations},
        "spec": {"containers": [{"name": "app", "image": format!("cart:{tag}")}]}});
    let selector = json!({"matchLabels": {"app": "cart"}});
    Object::new(json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "cart", "labels": labels},
        "spec": {"replicas": replicas, "selector": selector, "template": template}}))
    .unwrap()
}

#[tokio::test]
async fn keeps_the_contract() {
    let fixture = fixture();
    cluster::all(&fixture.cluster, &fixture).await;
    assert_eq!(fixture.cluster.objects(), [], "the suite cleans up");
    // Again, and through a pointer.
    let shared: Arc<dyn Cluster> = Arc::new(fixture.cluster.clone());
    cluster::all(&*shared, &fixture).await;
    // And with retries.
    let retried = Retry::new(shared, Backoff::default(), fixture.clock());
    cluster::all(&retried, &fixture).await;
}

#[test]
fn declares_what_it_can_do() {
    let expected =
        ClusterCapabilities { validates_schema: false, field_owners: true, fencing: true, events: true };
    assert_eq!(fixture().cluster.capabilities(), expected);
}

#[tokio::test]
async fn pods_are_made_anew_for_a_new_template_alone() {
    let Fixture { cluster, .. } = fixture();
    let lease = lease(&cluster).await;
    let rollouts = || cluster.view().workloads[0].rollouts;
    let apply = async |object: &Object| cluster.apply(&lease, object).await.unwrap().change;
    assert_eq!(apply(&deployment("1", 2, &json!({}))).await, Change::Created);
    assert_eq!(rollouts(), 1);
    let mut annotated = deployment("1", 5, &json!({}));
    annotated.as_value_mut()["metadata"]["annotations"] = json!({"note": "x"});
    assert_eq!(apply(&annotated).await, Change::Configured);
    assert_eq!(rollouts(), 1, "neither replicas nor metadata restart a pod");
    assert_eq!(apply(&deployment("2", 5, &json!({}))).await, Change::Configured);
    assert_eq!(rollouts(), 2);
}

#[tokio::test]
async fn old_pods_serve_while_new_ones_start_and_when_they_fail() {
    let Fixture { cluster, .. } = fixture();
    let lease = lease(&cluster).await;
    let id = deployment("1", 4, &json!({})).id();
    cluster.apply(&lease, &deployment("1", 4, &json!({}))).await.unwrap();
    let first: Vec<_> = cluster.watch_rollout(&id).map(Result::unwrap).collect().await;
    assert_eq!(first.iter().map(|s| s.updated).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    cluster.apply(&lease, &deployment("2", 4, &json!({"sim/behaviour": "never-ready"}))).await.unwrap();
    let second: Vec<_> = cluster.watch_rollout(&id).map(Result::unwrap).collect().await;
    assert!(second.iter().all(|status| status.ready == 4), "{second:?}");
    assert_eq!(second.last().unwrap().phase, RolloutPhase::Failed);
    assert!(second.last().unwrap().message.contains("Readiness probe failed"), "{second:?}");
}

#[tokio::test]
async fn deleting_an_owner_deletes_what_it_owns() {
    let Fixture { cluster, .. } = fixture();
    let lease = lease(&cluster).await;
    let owner = cluster.apply(&lease, &deployment("1", 1, &json!({}))).await.unwrap().object;
    let owned = |name: &str, uid: &Value| {
        Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name,
            "ownerReferences": [{"apiVersion": "v1", "kind": "x", "name": "x", "uid": uid}]}}))
        .unwrap()
    };
    let child = cluster.apply(&lease, &owned("child", &owner.as_value()["metadata"]["uid"])).await.unwrap();
    let uid = &child.object.as_value()["metadata"]["uid"];
    cluster.apply(&lease, &owned("grandchild", uid)).await.unwrap();
    cluster.apply(&lease, &owned("stranger", &json!("another"))).await.unwrap();
    assert_eq!(cluster.delete(&lease, &owner.id()).await.unwrap(), Deletion::Gone);
    let left: Vec<String> = cluster.objects().iter().map(|object| object.id().to_string()).collect();
    assert_eq!(left, ["ConfigMap/shop/stranger"]);
}

#[test]
fn deleting_ten_times_the_objects_takes_about_ten_times_as_long() {
    let time = |count: usize| {
        let Fixture { cluster, .. } = fixture();
        let objects: Vec<Object> = (0..count)
            .map(|n| {
                let mut object = deployment("1", 1, &json!({})).into_value();
                object["metadata"]["name"] = json!(format!("web-{n}"));
                Object::new(object).unwrap()
            })
            .collect();
        objects.iter().for_each(|object| drop(cluster.apply_as("kubectl", object).unwrap()));
        let began = std::time::Instant::now();
        assert!(objects.iter().all(|object| cluster.delete_as_person(&object.id()).unwrap()));
        began.elapsed()
    };
    // The best of several: the machine has other things to do.
    let (few, many) = ((0..3).map(|_| time(500)).min().unwrap(), time(5_000));
    // What is quadratic takes a hundred times as long.
    assert!(many.as_secs_f64() / few.as_secs_f64() < 30.0, "{few:?} and {many:?}");
}

#[tokio::test]
async fn a_selector_cannot_change() {
    let Fixture { cluster, .. } = fixture();
    let lease = lease(&cluster).await;
    cluster.apply(&lease, &deployment("1", 1, &json!({}))).await.unwrap();
    let mut changed = deployment("1", 1, &json!({}));
    changed.as_value_mut()["spec"]["selector"]["matchLabels"]["nprt.dev/service"] = json!("cart");
    let error = cluster.dry_run(&changed).await.unwrap_err();
    assert!(error.to_string().contains("spec.selector"), "{error}");
}

#[tokio::test]
async fn a_definition_makes_a_kind_known() {
    let Fixture { cluster, .. } = fixture();
    let lease = lease(&cluster).await;
    let scaler = Object::new(json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
        "metadata": {"name": "cart"}}))
    .unwrap();
    assert!(cluster.dry_run(&scaler).await.unwrap_err().is_invalid());
    let definition = Object::new(json!({"apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition", "metadata": {"name": "scaledobjects.keda.sh"},
        "spec": {"group": "keda.sh", "scope": "Namespaced", "names": {"kind": "ScaledObject"}}}))
    .unwrap();
    let applied = cluster.apply(&lease, &definition).await.unwrap();
    assert_eq!(applied.object.namespace(), None);
    assert_eq!(cluster.apply(&lease, &scaler).await.unwrap().object.namespace(), Some("shop"));
}

#[tokio::test]
async fn the_view_is_a_table() {
    let Fixture { cluster, clock } = fixture();
    let lease = lease(&cluster).await;
    let mut object = deployment("1", 2, &json!({}));
    object.as_value_mut()["metadata"]["labels"]["nprt.dev/track"] = json!("stable");
    object.as_value_mut()["metadata"]["annotations"] = json!({"nprt.dev/tag": "main-3f2a91c"});
    cluster.apply(&lease, &object).await.unwrap();
    clock.advance(Duration::from_secs(1));
    let expected = "WORKLOAD         TRACK   READY  VERSION\nDeployment/cart  stable    1/2  main-3f2a91c\n";
    assert_eq!(cluster.view().to_string(), expected);
}
