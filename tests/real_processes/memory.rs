//! What following many rollouts at once costs.

use nprt_testkit::Shop;
use serde_json::{Value, json};

use crate::plane::plane;
use crate::process::Worker;

const ROLLOUTS: usize = 500;
/// What they may add to a process.
const MOST_MIB: f64 = 20.0;

#[tokio::test(flavor = "multi_thread")]
async fn many_rollouts_are_followed_in_little_memory() {
    let Some(plane) = plane().await else { return };
    let plane = plane.write().await;
    let shop = Shop::new(&plane, "memory").await.unwrap();
    let deployments: Vec<Value> = (0..ROLLOUTS).map(deployment).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": deployments});
    shop.kubectl_with_input(&["create", "-f", "-"], &list.to_string()).await.unwrap();
    let mut worker = Worker::of(&shop, 30);
    let seen = worker.tell(json!({"do": "watch", "count": ROLLOUTS})).await.done().await;
    let mib = |field: &str| seen[field].as_f64().unwrap() / 1024.0;
    assert_eq!(seen["followed"], ROLLOUTS, "all of them, to the end: {seen}");
    shop.kubectl(&["delete", "deployments", "--all", "--wait=false"]).await.unwrap();
    assert!(mib("most_kib") - mib("before_kib") <= MOST_MIB, "{seen}");
}

/// One whose rollout does not end: its pod is never given to a node.
fn deployment(number: usize) -> Value {
    let name = format!("d-{number}");
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "labels": {"nprt.dev/service": "shop"}},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"schedulingGates": [{"name": "example.com/never"}],
                "containers": [{"name": "app", "image": "registry.invalid/app:1"}]}}}
    })
}
