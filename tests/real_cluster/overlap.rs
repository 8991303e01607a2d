//! Several operations at the same time. `tests/real_processes` has more of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use nprt::ErrorKind;

use crate::world::{World, manifests, tag};

async fn versions(world: &World) -> BTreeSet<String> {
    world.runs().await.into_iter().map(|(_, tag)| tag).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_cancels_a_deploy_that_waits_for_pods() {
    let Some(world) = World::new("cancel").await else { return };
    let (process, other) = (world.process().await, world.process().await);
    let (first, trial) = (world.commit(&manifests(1, "")), world.commit(&manifests(2, "")));
    let stuck = world.commit(&manifests(3, "never-ready"));
    process.deploy(&first).await.unwrap();
    process.canary(&trial).await.unwrap();
    let under_way = tokio::spawn({
        let (process, stuck) = (process.clone(), stuck.clone());
        async move { process.deploy(&stuck).await }
    });
    // All of it is applied, and its pods are not ready.
    while versions(&world).await != BTreeSet::from([tag(&stuck)]) {
        assert!(!under_way.is_finished(), "{:?}", under_way.await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let done = other.rollback().await.unwrap();
    assert!(done.cancelled.as_ref().unwrap().contains(" is deploying commit "), "{done:?}");
    let error = tokio::time::timeout(Duration::from_secs(60), under_way).await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    assert!(
        error.to_string().contains("ci is rolling back"),
        "by whom, though the rollback is over: {error}"
    );
    assert_eq!(other.operation().await, None);
    let serving = ["get", "endpoints", "web", "-o", "jsonpath={.subsets[*].addresses[*].targetRef.name}"];
    assert!(!world.kubectl(&serving).await.is_empty(), "pods of the first version serve all the while");
    assert!(done.warnings[0].contains("undone"), "{done:?}");
    assert_eq!(versions(&world).await, BTreeSet::from([tag(&first)]), "what it did is undone");
    let n = world.kubectl(&["get", "configmap", "web", "-o", "jsonpath={.data.n}"]).await;
    assert_eq!(n, "1", "with what its pods read");
    assert_eq!(world.pods("stable").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn deploys_that_wait_for_each_other_all_land_one_after_the_other() {
    let Some(world) = World::new("waiting").await else { return };
    let processes = [world.process().await, world.process().await];
    let revisions: Vec<_> = (0..3).map(|n| world.commit(&manifests(n, ""))).collect();
    let deploys = revisions.iter().enumerate().map(|(n, revision)| {
        let (process, revision) = (Arc::clone(&processes[n % 2]), revision.clone());
        tokio::spawn(async move { process.deploy_waiting(&revision, Duration::from_secs(90)).await })
    });
    let done = join_all(deploys).await;
    assert!(done.iter().all(|done| done.as_ref().unwrap().is_ok()), "{done:?}");
    assert_eq!(versions(&world).await.len(), 1);
    assert_eq!(processes[0].operation().await, None);
}
