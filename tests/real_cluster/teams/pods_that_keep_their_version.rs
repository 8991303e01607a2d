//! Workloads that keep their pods on purpose: a deploy does not wait for them, and warns.

use crate::answer::Answer as _;
use crate::world::{World, manifests};

/// A workload of two pods (or one on each node) of the version, with more of its spec.
fn workload(kind: &str, name: &str, more: &str) -> String {
    let replicas = if kind == "DaemonSet" { "" } else { "replicas: 2, " };
    let service = if kind == "StatefulSet" { "serviceName: db, " } else { "" };
    format!(
        r#"
---
apiVersion: apps/v1
kind: {kind}
metadata: {{name: {name}}}
spec: {{{replicas}{service}{more}selector: {{matchLabels: {{app: {name}}}}}, template: {{
  metadata: {{labels: {{app: {name}}}}},
  spec: {{containers: [{{name: c, image: registry.invalid/shop/worker}}]}}}}}}
"#
    )
}

const ON_DELETE: &str = "updateStrategy: {type: OnDelete}, ";

#[tokio::test(flavor = "multi_thread")]
async fn on_delete_is_a_warning_for_a_deploy_and_a_promotion() {
    let Some(world) = World::new("on-delete").await else { return };
    let nprt = world.process().await;
    let version = |n| {
        let sets = ["StatefulSet", "DaemonSet"].map(|kind| workload(kind, &kind.to_lowercase(), ON_DELETE));
        world.commit(&(manifests(n, "") + &sets.concat()))
    };
    nprt.deploy(&version(1)).await.warned(&[]);
    let pods = (world.pods_by_uid("app=statefulset").await, world.pods_by_uid("app=daemonset").await);
    assert_eq!(pods.0.len(), 2, "the first deploy waits for them: {pods:?}");

    let (second, third) = (version(2), version(3));
    let kept = ["DaemonSet/", "StatefulSet/"];
    for _ in 0..2 {
        let done = nprt.deploy(&second).await.warned(&kept);
        let warnings = done.warnings.join("; ");
        assert!(
            warnings.contains("/statefulset: 2 pods keep their version: updateStrategy OnDelete"),
            "{warnings}"
        );
    }
    nprt.canary(&third).await.accepted();
    nprt.promote(&third).await.warned(&kept);
    let after = (world.pods_by_uid("app=statefulset").await, world.pods_by_uid("app=daemonset").await);
    assert_eq!(after, pods, "none was replaced");

    // Somebody deletes them, and the warning is over for these.
    world.kubectl(&["delete", "pods", "-l", "app=statefulset"]).await;
    let again = nprt.deploy(&third).await.warned(&["DaemonSet/"]);
    assert!(again.removed.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_delete_with_broken_pods_takes_the_version_that_mends_them() {
    let Some(world) = World::new("on-delete-broken").await else { return };
    let db =
        |image: &str| workload("StatefulSet", "db", ON_DELETE).replace("registry.invalid/shop/worker", image);
    let broken = db("registry.invalid/other/db:1")
        .replace("{labels: {app: db}}", "{labels: {app: db}, annotations: {sim/behaviour: never-ready}}");
    world.kubectl_makes(&["apply"], &broken).await;
    let nprt = world.process_within(20).await;
    nprt.deploy(&world.commit(&(manifests(1, "") + &db("registry.invalid/other/db:2"))))
        .await
        .warned(&["takes over", "2 pods keep their version"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_and_a_paused_deployment_are_warnings_too() {
    let Some(world) = World::new("partition").await else { return };
    let nprt = world.process().await;
    let partition = "updateStrategy: {rollingUpdate: {partition: 1}}, ";
    let version = |n, paused| {
        let more = [workload("StatefulSet", "db", partition), workload("Deployment", "batch", paused)];
        world.commit(&(manifests(n, "") + &more.concat()))
    };
    nprt.deploy(&version(1, "")).await.warned(&[]);
    let batch = world.pods_by_uid("app=batch").await;
    let done = nprt.deploy(&version(2, "paused: true, ")).await;
    let partition = "/db: 1 pod keeps its version: the rolling update leaves pods below partition 1 alone";
    done.warned(&[partition, "/batch: 2 pods keep their version: the Deployment is paused"]);
    assert_eq!(world.pods_by_uid("app=batch").await, batch);
    nprt.deploy(&version(3, "paused: false, ")).await.warned(&[partition]);
    assert!(world.pods_by_uid("app=batch").await.is_disjoint(&batch), "resumed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_deployment_that_is_paused_never_starts_and_is_refused() {
    let Some(world) = World::new("paused").await else { return };
    let paused = world.commit(&(manifests(1, "") + &workload("Deployment", "batch", "paused: true, ")));
    let error =
        world.process().await.deploy(&paused).await.refused_with(&["batch", "kubectl rollout resume"]);
    assert!(!error.to_string().contains("not complete after"), "at once: {error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_node_and_no_replicas_are_complete() {
    let Some(world) = World::new("no-pods").await else { return };
    let nprt = world.process().await;
    for n in 1..3 {
        let nowhere = workload("DaemonSet", "agent", "")
            .replace("spec: {containers", "spec: {nodeSelector: {disk: none}, containers");
        let none = workload("StatefulSet", "db", "").replace("replicas: 2", "replicas: 0")
            + &workload("Deployment", "batch", "").replace("replicas: 2", "replicas: 0");
        nprt.deploy(&world.commit(&(manifests(n, "") + &nowhere + &none)))
            .await
            .warned(&["/agent: no node matches it"]);
    }
}
