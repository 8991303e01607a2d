//! A database, a cache and an agent beside the service's own programs: no deploy of the service restarts them.

use nprt::pipeline::Service;

use crate::answer::Answer as _;
use crate::world::{World, manifests, shop};

/// Each with an image of somebody else's, by tag or by digest.
fn beside(cache: &str) -> String {
    let digest = format!("registry.invalid/agent@sha256:{}", "ab".repeat(32));
    let workload = |kind: &str, name: &str, image: &str, more: &str| {
        format!(
            "---\napiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n  \
             selector: {{matchLabels: {{app: {name}}}}}\n  {more}template:\n    metadata: {{labels: {{app: {name}}}}}\n    \
             spec: {{containers: [{{name: c, image: '{image}'}}]}}\n"
        )
    };
    workload("StatefulSet", "db", "postgres:16.1", "serviceName: db\n  ")
        + &workload("Deployment", "redis", cache, "")
        + &workload("DaemonSet", "agent", &digest, "")
        + "---\napiVersion: v1\nkind: Service\nmetadata: {name: redis}\nspec: {selector: {app: redis}, ports: [{port: 80}]}\n"
}

#[tokio::test(flavor = "multi_thread")]
async fn no_deploy_canary_or_promotion_restarts_them() {
    let Some(world) = World::new("databases").await else { return };
    let nprt = world.process().await;
    let version = |n| world.commit(&format!("{}{}", manifests(n, ""), beside("redis:7.2")));
    let beside = "app in (db, redis, agent)";
    nprt.deploy(&version(1)).await.accepted();
    let (pods, web) = (world.pods_by_uid(beside).await, world.pods_by_uid("app=web").await);
    assert!(pods.len() >= 3, "{pods:?}");
    nprt.deploy(&version(2)).await.accepted();
    assert_eq!(world.pods_by_uid(beside).await, pods, "a deploy");
    assert!(world.pods_by_uid("app=web").await.is_disjoint(&web), "the service's own are replaced");
    let third = version(3);
    let done = nprt.canary(&third).await.accepted();
    assert!(done.applied.iter().all(|applied| applied.object.name != "redis-canary"), "{done:?}");
    world.serves("redis", 1).await; // no second, empty cache behind its Service
    nprt.promote(&third).await.accepted();
    assert_eq!(world.pods_by_uid(beside).await, pods, "a promotion");
    // Its own labels are what its manifest says.
    let redis = world.object("deployment/redis").await;
    assert_eq!(redis["spec"]["template"]["metadata"]["labels"], serde_json::json!({"app": "redis"}));
    assert_eq!(redis["metadata"]["labels"]["nprt.dev/service"], "shop");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_image_in_the_manifest_restarts_the_one_that_has_it() {
    let Some(world) = World::new("databases-change").await else { return };
    let nprt = world.process().await;
    nprt.deploy(&world.commit(&format!("{}{}", manifests(1, ""), beside("redis:7.2")))).await.accepted();
    let [db, redis] = [world.pods_by_uid("app=db").await, world.pods_by_uid("app=redis").await];
    nprt.deploy(&world.commit(&format!("{}{}", manifests(2, ""), beside("redis:7.4")))).await.accepted();
    assert_eq!(world.pods_by_uid("app=db").await, db);
    assert!(world.pods_by_uid("app=redis").await.is_disjoint(&redis));
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_kubectl_made_are_taken_over_without_a_restart() {
    let Some(world) = World::new("databases-adopted").await else { return };
    world.kubectl_makes(&["apply"], beside("redis:7.2").trim_start_matches("---\n")).await;
    world.kubectl(&["rollout", "status", "deployment/redis", "--timeout=60s"]).await;
    world.kubectl(&["rollout", "status", "statefulset/db", "--timeout=60s"]).await;
    let pods = world.pods_by_uid("app in (db, redis)").await;
    assert_eq!(pods.len(), 2);
    let nprt = world.process().await;
    nprt.deploy(&world.commit(&format!("{}{}", manifests(1, ""), beside("redis:7.2")))).await.accepted();
    assert_eq!(world.pods_by_uid("app in (db, redis)").await, pods);
}

/// A worker of ours that must not run twice opts out.
#[tokio::test(flavor = "multi_thread")]
async fn a_workload_of_the_service_may_go_without_a_canary() {
    let Some(world) = World::new("opt-out").await else { return };
    let nprt = world.process_of(Service::new(shop())).await;
    let text = |n| {
        manifests(n, "")
            .replace("{name: worker}\nspec", "{name: worker, annotations: {nprt.dev/canary: 'false'}}\nspec")
    };
    nprt.deploy(&world.commit(&text(1))).await.accepted();
    let second = world.commit(&text(2));
    nprt.canary(&second).await.warned(&["Deployment/worker: opts out by nprt.dev/canary"]);
    let names: Vec<String> = world.runs().await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["web", "web-canary", "worker"]);
    nprt.promote(&second).await.accepted();
}
