//! Versions whose pods never become ready: the error begins with why, and only then counts pods.

use nprt::ErrorKind;

use crate::answer::Answer as _;
use crate::world::{World, manifests};

fn workload(kind: &str, behaviour: &str) -> String {
    let more = match kind {
        "Deployment" => "progressDeadlineSeconds: 3, ",
        "StatefulSet" => "serviceName: db, ",
        _ => "",
    };
    format!(
        r#"
---
apiVersion: apps/v1
kind: {kind}
metadata: {{name: db}}
spec: {{{more}selector: {{matchLabels: {{app: db}}}}, template: {{
  metadata: {{labels: {{app: db}}, annotations: {{sim/behaviour: "{behaviour}"}}}},
  spec: {{containers: [{{name: c, image: registry.invalid/shop/worker}}]}}}}}}
"#
    )
}

/// What a deploy says of a version of `kind` whose pods behave so, after one whose pods were ready. All of `words`,
/// in this order.
async fn fails(name: &str, kind: &str, behaviour: &str, words: &[&str]) {
    let Some(world) = World::new(name).await else { return };
    // Two looks at the pods.
    let nprt = world.process_within(12).await;
    nprt.deploy(&world.commit(&(manifests(1, "") + &workload(kind, "")))).await.accepted();
    let bad = world.commit(&(manifests(1, "") + &workload(kind, behaviour)));
    let error = nprt.deploy(&bad).await.refused_with(words);
    assert_eq!(error.kind(), ErrorKind::RolloutFailed, "{error}");
    let said = error.to_string();
    let at: Vec<_> = words.iter().map(|word| said.find(word)).collect();
    assert!(at.is_sorted(), "expected {words:?} in this order: {said}");
    assert!(!said.contains("ending") && !said.contains("1 pods of an"), "nothing ends: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_whose_readiness_probe_fails() {
    let words = [
        "pod db-",
        "Readiness probe failed",
        "0 of 1 updated pods available",
        "1 pod of an older version still there",
        "undone",
    ];
    fails("ready-deployment", "Deployment", "never-ready", &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_crashes() {
    let words = ["pod db-", "CrashLoopBackOff", "0 of 1 updated pods available", "undone"];
    fails("ready-crash", "Deployment", "crash-loop", &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stateful_set_whose_image_cannot_be_pulled() {
    let words = ["pod db-0", "ImagePullBackOff", "0 of 1 pods ready", "not complete after 12 s", "undone"];
    fails("ready-stateful", "StatefulSet", "image-pull", &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_set_that_crashes() {
    let words = ["pod db-", "CrashLoopBackOff", "pods available", "not complete after 12 s", "undone"];
    fails("ready-daemon", "DaemonSet", "crash-loop", &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_pod_that_does_not_end_is_named_where_it_holds_up_the_new_one() {
    let Some(world) = World::new("ready-ending").await else { return };
    let nprt = world.process_within(12).await;
    nprt.deploy(&world.commit(&(manifests(1, "") + &workload("StatefulSet", "")))).await.accepted();
    world
        .kubectl(&["patch", "pod", "db-0", "-p", r#"{"metadata": {"finalizers": ["example.com/slow"]}}"#])
        .await;
    let next = world.commit(&(manifests(2, "") + &workload("StatefulSet", "")));
    let error = nprt.deploy(&next).await;
    world.kubectl(&["patch", "pod", "db-0", "-p", r#"{"metadata": {"finalizers": null}}"#]).await;
    error.refused_with(&["pod db-0 is deleted, but its finalizers hold it: example.com/slow"]);
}
