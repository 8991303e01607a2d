//! Finalizers that hold what is removed: the answer names them, nothing serves any more, and nothing waits for ever.

use std::time::{Duration, Instant};

use nprt::model::{Revision, Track};
use nprt::pipeline::Service;

use crate::answer::Answer as _;
use crate::process::Process;
use crate::world::{World, manifests, shop, tag};

const HOLD: &str = r#"{"metadata": {"finalizers": ["example.com/hold"]}}"#;
const FREE: &str = r#"{"metadata": {"finalizers": null}}"#;

/// A stable version and a canary beside it, of manifests that are changed so.
async fn on_trial(world: &World, nprt: &Process, change: impl Fn(String) -> String) -> [Revision; 2] {
    let versions = [1, 2].map(|n| world.commit(&change(manifests(n, ""))));
    nprt.deploy(&versions[0]).await.accepted();
    nprt.canary(&versions[1]).await.accepted();
    versions
}

async fn patch(world: &World, object: &str, patch: &str) {
    world.kubectl(&["patch", object, "--type=merge", "-p", patch]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_of_the_manifest_are_not_the_canarys() {
    let Some(world) = World::new("hold-manifest").await else { return };
    let nprt = world.process().await;
    on_trial(&world, &nprt, |all| {
        all.replace("{name: web}\nspec:\n", "{name: web, finalizers: [example.com/hold]}\nspec:\n")
    })
    .await;
    let finalizers = "jsonpath={.items[*].metadata.finalizers}";
    assert!(world.kubectl(&["get", "deployments", "-o", finalizers]).await.contains("example.com/hold"));
    let done = nprt.rollback().await.unwrap();
    assert_eq!((done.removed.len(), done.warnings.len()), (2 + 1, 0), "{done:?}");
    patch(&world, "deployment/web", FREE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_ends_the_canarys_pods_and_the_lease_is_free() {
    let Some(world) = World::new("hold-rollback").await else { return };
    let nprt = world.process().await;
    let [stable, canary] = on_trial(&world, &nprt, |all| all).await;
    patch(&world, "deployment/web-canary", HOLD).await;
    let began = Instant::now();
    let done = nprt.rollback().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let warnings = done.warnings.join("; ");
    for word in ["/web-canary is marked as deleted", "example.com/hold"] {
        assert!(warnings.contains(word), "{done:?}");
    }
    assert_eq!(done.canary.unwrap().revision, Some(canary.clone()));
    assert!(world.pods("canary").await.is_empty(), "its pods end");
    assert!(world.endpoints("web").await.iter().all(|pod| !pod.contains("canary")), "none serves");
    assert_eq!(nprt.operation().await, None, "the lease is free");

    // Nothing is blocked by it, and what comes next names it.
    assert_eq!(nprt.tend().await.unwrap().busy, None);
    let again = nprt.rollback().await.unwrap();
    assert!(again.canary.is_none() && again.warnings.join("; ").contains("example.com/hold"), "{again:?}");
    let third = world.commit(&manifests(3, ""));
    nprt.canary(&third).await.refused_with(&["web-canary", "marked as deleted", "example.com/hold"]);
    assert!(world.runs().await.contains(&("web".to_owned(), tag(&stable))));
    let done = nprt.deploy(&third).await.accepted();
    assert!(done.warnings.join("; ").contains("example.com/hold"), "{done:?}");

    patch(&world, "deployment/web-canary", FREE).await;
    nprt.canary(&world.commit(&manifests(4, ""))).await.accepted();
    let done = nprt.rollback().await.unwrap();
    assert_eq!(done.warnings, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_goes_on_and_a_canary_that_fails_says_what_stays() {
    let Some(world) = World::new("hold-deploy").await else { return };
    let nprt = world.process().await;
    on_trial(&world, &nprt, |all| all).await;
    patch(&world, "deployment/web-canary", HOLD).await;
    let third = world.commit(&manifests(3, ""));
    let done = nprt.deploy(&third).await.accepted();
    assert!(done.warnings.join("; ").contains("/web-canary is marked as deleted"), "{done:?}");
    assert!(world.pods("canary").await.is_empty());
    patch(&world, "deployment/web-canary", FREE).await;

    // One that a controller holds as soon as it is made.
    let slow =
        manifests(4, "never-ready").replace("  replicas: 2", "  replicas: 2\n  progressDeadlineSeconds: 5");
    let (process, version) = (world.process().await, world.commit(&slow));
    let failing = tokio::spawn(async move { process.canary(&version).await });
    while !world.runs().await.iter().any(|(name, _)| name == "web-canary") {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    patch(&world, "deployment/web-canary", HOLD).await;
    let error = failing.await.unwrap().refused_with(&["Readiness probe failed", "stays", "example.com/hold"]);
    assert!(world.pods("canary").await.is_empty(), "{error}");
    patch(&world, "deployment/web-canary", FREE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn configuration_of_the_canary_that_is_held_is_named() {
    let Some(world) = World::new("hold-config").await else { return };
    let nprt = world.process().await;
    on_trial(&world, &nprt, |all| all).await;
    patch(&world, "configmap/web-canary", HOLD).await;
    let done = nprt.rollback().await.unwrap();
    assert!(done.warnings.join("; ").contains("ConfigMap/"), "{done:?}");
    assert_eq!(done.removed.len(), 2, "its workloads are gone: {done:?}");
    let next = world.commit(&manifests(3, ""));
    nprt.canary(&next).await.refused_with(&["ConfigMap/", "web-canary", "example.com/hold"]);
    patch(&world, "configmap/web-canary", FREE).await;
    nprt.canary(&next).await.accepted();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pruned_is_scaled_to_zero_and_named() {
    let Some(world) = World::new("hold-prune").await else { return };
    let nprt = world.process_of(Service { prune: true, ..Service::new(shop()) }).await;
    let held = "
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, finalizers: [example.com/hold]}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: c, image: registry.invalid/shop/worker}]}
";
    nprt.deploy(&world.commit(&(manifests(1, "") + held))).await.accepted();
    for n in 2..4 {
        let done = nprt.deploy(&world.commit(&manifests(n, ""))).await.accepted();
        let named = done.warnings.join("; ").contains("StatefulSet/");
        assert_eq!((named, done.pruned.len()), (true, 0), "{done:?}");
    }
    assert!(world.pods_by_uid("app=db").await.is_empty());
    // It comes back only once it is gone.
    let back = world.commit(&(manifests(4, "") + held));
    nprt.preview(&back, Track::Stable).await.unwrap_err();
    nprt.deploy(&back).await.refused_with(&["/db", "marked as deleted", "example.com/hold"]);
    patch(&world, "statefulset/db", FREE).await;
    nprt.deploy(&back).await.accepted();
    patch(&world, "statefulset/db", FREE).await;
}
