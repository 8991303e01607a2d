//! Canaries: started, replaced, promoted, rolled back.

use std::sync::Arc;

use nprt_core::model::{ObjectId, Revision, annotation, label};
use nprt_core::ports::{
    Change, MetricsCapabilities, MockImageRegistry, MockMetricsBackend, MockVcsSource, Occasion,
    VcsCapabilities,
};
use nprt_core::{Error, ErrorKind};
use nprt_pipeline::{Pipeline, Ports, Progress};

use crate::world::{World, caller, canary, deploy, manifests, promote, shop, tag};

async fn with_stable(world: &World) -> (Arc<Pipeline>, Revision) {
    let (pipeline, stable) = (world.pipeline(), world.version(1));
    deploy(&pipeline, &stable).await.unwrap();
    (pipeline, stable)
}

fn names(ids: &[ObjectId]) -> Vec<&str> {
    ids.iter().map(|id| id.name.as_str()).collect()
}

#[tokio::test]
async fn runs_beside_stable_and_changes_nothing_of_it() {
    let world = World::new();
    let (pipeline, stable) = with_stable(&world).await;
    let before = world.objects();
    let trial = world.version(2);
    let done = canary(&pipeline, &trial).await.unwrap();
    let after = world.objects();
    assert!(before.iter().all(|object| after.contains(object)), "stable is as it was");
    let (old, new) = (tag(&stable).to_string(), tag(&trial).to_string());
    let expected = [
        ("web".to_owned(), old.clone(), 1),
        ("web-canary".to_owned(), new.clone(), 1),
        ("worker".to_owned(), old, 1),
        ("worker-canary".to_owned(), new, 1),
    ];
    assert_eq!(world.runs(), expected);
    let applied: Vec<&str> = done.applied.iter().map(|applied| applied.object.name.as_str()).collect();
    assert_eq!(applied, ["web-canary", "web-canary", "worker-canary"], "its ConfigMap comes first");
    let started = |object: &&nprt_core::model::Object| object.annotation(annotation::STARTED).is_some();
    assert_eq!(after.iter().filter(started).count(), 2, "on the workloads");
    assert_eq!(world.notifier.told().last().unwrap().occasion, Occasion::CanaryStarted);
    let status = pipeline.status(&shop()).await.unwrap();
    assert_eq!(status.stable.unwrap().revision, Some(stable));
    assert_eq!(status.canary.unwrap().revision, Some(trial));
}

#[tokio::test]
async fn needs_a_stable_version_beside_it_that_is_another() {
    let world = World::new();
    let (pipeline, revision) = (world.pipeline(), world.version(1));
    let error = canary(&pipeline, &revision).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("deploy one first"), "{error}");
    deploy(&pipeline, &revision).await.unwrap();
    let error = canary(&pipeline, &revision).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("stable already"), "{error}");
    assert_eq!(world.runs().len(), 2);
}

#[tokio::test]
async fn another_canary_is_removed_first_and_the_same_one_stays() {
    let world = World::new();
    let (pipeline, _) = with_stable(&world).await;
    let (first, second) = (world.version(2), world.version(3));
    canary(&pipeline, &first).await.unwrap();
    let before = world.objects();
    world.wait(60).await;
    let again = canary(&pipeline, &first).await.unwrap();
    assert!(again.applied.iter().all(|applied| applied.change == Change::Unchanged), "{again:?}");
    assert_eq!(world.objects(), before, "not even the time of its start");
    let uid = |name: &str| {
        let objects = world.objects();
        let object = objects.iter().find(|o| o.kind() == "Deployment" && o.name() == name).unwrap();
        object.as_value()["metadata"]["uid"].clone()
    };
    let old = uid("web-canary");
    let done = canary(&pipeline, &second).await.unwrap();
    assert_eq!(done.removed.len(), 3, "{done:?}");
    assert_ne!(uid("web-canary"), old, "its pods were gone before");
    assert_eq!(world.workload("web-canary").unwrap().tag, Some(tag(&second).to_string()));
}

#[tokio::test]
async fn one_whose_pods_fail_is_removed() {
    let world = World::new();
    let (pipeline, _) = with_stable(&world).await;
    let bad = world.commit(&manifests(2, "crash-loop"));
    world.push(&bad);
    let error = canary(&pipeline, &bad).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RolloutFailed);
    assert!(error.to_string().contains("web-canary") && error.to_string().contains("CrashLoop"), "{error}");
    assert_eq!(world.runs().len(), 2, "stable alone");
    assert_eq!(world.objects().len(), 4);
}

#[tokio::test]
async fn a_promotion_makes_it_stable_and_then_removes_it() {
    let world = World::new();
    let (pipeline, _) = with_stable(&world).await;
    let trial = world.version(2);
    canary(&pipeline, &trial).await.unwrap();
    let done = promote(&pipeline, &trial).await.unwrap();
    assert_eq!(names(&done.removed), ["web-canary", "worker-canary", "web-canary"]);
    let tag = tag(&trial).to_string();
    assert_eq!(world.runs(), [("web".into(), tag.clone(), 2), ("worker".into(), tag, 2)]);
    assert_eq!(world.objects().len(), 4, "no copy of the configuration is left");
    assert_eq!(world.notifier.told().last().unwrap().occasion, Occasion::Promoted);
}

#[tokio::test]
async fn a_deploy_of_the_canary_removes_it_after_success_alone() {
    let world = World::new();
    let (pipeline, _) = with_stable(&world).await;
    let trial = world.version(2);
    canary(&pipeline, &trial).await.unwrap();
    let done = deploy(&pipeline, &trial).await.unwrap();
    assert_eq!(done.removed.len(), 3);
    let last = |name: &str| done.applied.iter().any(|applied| applied.object.name == name);
    assert!(last("web") && !last("web-canary"));
    assert_eq!(world.runs().len(), 2);
}

#[tokio::test]
async fn only_the_canary_that_lives_is_promoted() {
    let world = World::new();
    let (pipeline, stable) = with_stable(&world).await;
    let (first, second) = (world.version(2), world.version(3));
    let error = promote(&pipeline, &first).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("there is no canary"), "{error}");
    canary(&pipeline, &first).await.unwrap();
    let error = promote(&pipeline, &second).await.unwrap_err();
    let said = error.to_string();
    assert!(
        error.is_conflict() && said.contains("another version") && said.contains(&first.short()),
        "{said}"
    );
    pipeline.rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
    let error = promote(&pipeline, &first).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains(&stable.short()), "{error}");
    assert!(world.runs().iter().all(|(_, tag_now, n)| *tag_now == tag(&stable).to_string() && *n == 1));
}

#[tokio::test]
async fn a_rollback_needs_the_cluster_alone_and_may_be_repeated() {
    let world = World::new();
    let (pipeline, stable) = with_stable(&world).await;
    let trial = world.version(2);
    canary(&pipeline, &trial).await.unwrap();
    let down = || Error::new(ErrorKind::Unavailable, "test", "down");
    let (mut vcs, mut registry, mut metrics) =
        (MockVcsSource::new(), MockImageRegistry::new(), MockMetricsBackend::new());
    vcs.expect_capabilities().returning(VcsCapabilities::default);
    vcs.expect_resolve().returning(move |_| Err(down()));
    registry.expect_tags().returning(move |_| Err(down()));
    metrics.expect_capabilities().returning(MetricsCapabilities::default);
    metrics.expect_blocks().returning(move |_| Err(down()));
    let ports = Ports {
        vcs: Arc::new(vcs),
        registry: Arc::new(registry),
        metrics: Arc::new(metrics),
        ..world.ports()
    };
    let broken = world.pipeline_over(ports);
    assert_eq!(deploy(&broken, &trial).await.unwrap_err().kind(), ErrorKind::Unavailable);
    let done = broken.rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
    assert_eq!(names(&done.removed), ["web-canary", "worker-canary", "web-canary"]);
    assert_eq!(done.canary.unwrap().revision, Some(trial));
    assert_eq!(done.stable.unwrap().revision, Some(stable));
    assert_eq!((done.cancelled, done.warnings), (None, vec![]));
    assert!(world.objects().iter().all(|object| object.label(label::TRACK) != Some("canary")));
    assert_eq!(world.notifier.told().last().unwrap().occasion, Occasion::RolledBack);
    let news = world.notifier.told().len();
    let again = broken.rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
    assert_eq!((again.removed, again.canary), (vec![], None));
    assert_eq!(world.notifier.told().len(), news, "nothing happened, nothing is told");
}

#[tokio::test]
async fn a_trial_goes_on_where_no_pod_is_replaced() {
    let world = World::new();
    let (pipeline, _) = with_stable(&world).await;
    let trial = world.version(2);
    canary(&pipeline, &trial).await.unwrap();
    let live = |name: &str| {
        let objects = world.objects();
        objects.into_iter().find(|o| o.kind() == "Deployment" && o.name() == name).unwrap()
    };
    let started = || live("web-canary").annotation(annotation::STARTED).unwrap().to_owned();
    let before = started();
    world.wait(60).await;
    // Somebody takes a label of its away: it is written anew, and its pods stay.
    let mut changed = live("web-canary");
    changed.as_value_mut()["metadata"]["labels"]["app.kubernetes.io/version"] = "another".into();
    world.cluster.apply_as("nprt", &changed).unwrap();
    let again = canary(&pipeline, &trial).await.unwrap();
    assert!(again.applied.iter().any(|applied| applied.change == Change::Configured), "{again:?}");
    assert_eq!((started(), world.workload("web-canary").unwrap().rollouts), (before.clone(), 1));
    // Its pods themselves: they are replaced, and judged from then on.
    let mut changed = live("web-canary");
    changed.as_value_mut()["spec"]["template"]["spec"]["containers"][0]["image"] = "another".into();
    world.cluster.apply_as("nprt", &changed).unwrap();
    canary(&pipeline, &trial).await.unwrap();
    assert!(started() > before);
}

#[tokio::test]
async fn one_that_is_not_ready_is_not_promoted() {
    let world = World::new();
    let (pipeline, stable) = with_stable(&world).await;
    let bad = world.commit(&manifests(2, "never-ready"));
    world.push(&bad);
    // Its operation is given up before it is ready; the lease expires.
    let starting = tokio::spawn({
        let (pipeline, bad) = (pipeline.clone(), bad.clone());
        async move { canary(&pipeline, &bad).await }
    });
    world.wait(10).await;
    starting.abort();
    assert!(starting.await.unwrap_err().is_cancelled());
    world.wait(31).await;
    assert!(world.workload("web-canary").is_some());
    let error = promote(&pipeline, &bad).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RolloutFailed, "{error}");
    assert!(error.to_string().contains("web-canary"), "{error}");
    assert_eq!(world.workload("web").unwrap().tag, Some(tag(&stable).to_string()));
}

#[tokio::test]
async fn a_rollback_removes_what_its_preview_says() {
    let world = World::new();
    let pipeline = world.pipeline();
    deploy(&pipeline, &world.version(1)).await.unwrap();
    let nothing = pipeline.preview_rollback(&shop(), &Progress::silent()).await.unwrap();
    assert!(nothing.canary.is_none() && nothing.removed.is_empty() && nothing.cancelled.is_none());
    let trial = world.version(2);
    canary(&pipeline, &trial).await.unwrap();
    let before = world.objects();
    let would = pipeline.preview_rollback(&shop(), &Progress::silent()).await.unwrap();
    assert_eq!(world.objects(), before);
    assert_eq!(would.canary.as_ref().and_then(|canary| canary.revision.as_ref()), Some(&trial));
    let done = pipeline.rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
    let sorted = |mut ids: Vec<_>| {
        ids.sort();
        ids
    };
    assert_eq!(sorted(would.removed), sorted(done.removed));
    assert_eq!((would.stable, would.warnings), (done.stable, done.warnings));
}
