//! Operations that died when all was applied and the pods were not ready yet.

use std::sync::Arc;
use std::time::Duration;

use nprt_core::model::{Object, Revision};
use nprt_core::ports::{Clock, Occasion};
use nprt_pipeline::{Pipeline, Ports, Progress};
use serde_json::json;

use crate::recovery::{EXPIRED, has_record, has_workload, tend, versions};
use crate::world::{World, canary, deploy, manifests, promote, shop, tag};

/// A promotion of version 2, whose pods take `seconds`, that died after 100 seconds, when all was applied. How long
/// pods take is known to the cluster that is asked.
pub(crate) async fn interrupted(world: &World, seconds: u64) -> (Revision, Revision) {
    let (first, second) = (world.version(1), world.version(2));
    deploy(&world.pipeline(), &first).await.unwrap();
    canary(&world.pipeline(), &second).await.unwrap();
    let slow = slow(world, seconds);
    let work = tokio::spawn({
        let second = second.clone();
        async move { promote(&slow, &second).await }
    });
    while !has_workload(world, "web", &second) || !has_workload(world, "worker", &second) {
        world.wait(1).await;
    }
    world.wait(100).await;
    assert!(!work.is_finished(), "its pods are not ready");
    work.abort();
    _ = work.await;
    world.wait(EXPIRED).await;
    (first, second)
}

pub(crate) fn slow(world: &World, seconds: u64) -> Arc<Pipeline> {
    let cluster = world.cluster.clone().with_rollout_delay(Duration::from_secs(seconds));
    world.pipeline_over(Ports { cluster: Arc::new(cluster), ..world.ports() })
}

#[tokio::test]
async fn a_promotion_whose_pods_become_ready_later_is_finished_and_told_as_asked_for() {
    let world = World::new();
    let (_, second) = interrupted(&world, 200).await;
    let told = world.notifier.told().len();
    let began = world.clock.now();
    let done = tend(&slow(&world, 200)).await;
    let took = world.clock.now().duration_since(began).as_secs();
    assert!((60..80).contains(&took), "it waits for the pods, and no longer: {took} s");
    let what = format!("the promotion of {} by ci", tag(&second));
    assert_eq!(done.finished.as_deref(), Some(what.as_str()), "{done:?}");
    assert_eq!(versions(&world).await, (Some(tag(&second).to_string()), None));
    let news = world.notifier.told();
    let [news] = &news[told..] else { panic!("one: {news:?}") };
    assert_eq!(news.occasion, Occasion::Promoted);
    assert_eq!(news.revision.as_ref(), Some(&second));
    assert!(news.canary.is_some() && news.summary.contains("finished after"), "{news:?}");
    assert!(
        news.details.iter().any(|detail| (&*detail.name, &*detail.value) == ("caller", "ci")),
        "{news:?}"
    );
    let report =
        world.pipeline().measure_canary(&shop(), &Progress::silent()).await.unwrap().report().unwrap();
    assert!(format!("{report:?}").contains("Promoted"), "its report says how it ended");
}

#[tokio::test]
async fn one_whose_pods_never_become_ready_is_undone_and_says_why() {
    let world = World::new();
    let first = world.version(1);
    deploy(&world.pipeline(), &first).await.unwrap();
    let bad = world.commit(&manifests(2, "never-ready"));
    world.push(&bad);
    let work = tokio::spawn({
        let (pipeline, bad) = (world.pipeline(), bad.clone());
        async move { deploy(&pipeline, &bad).await }
    });
    while !has_workload(&world, "worker", &bad) {
        world.wait(1).await;
    }
    work.abort();
    _ = work.await;
    world.wait(EXPIRED).await;
    let done = tend(&world.pipeline()).await;
    let undone = done.undone.unwrap();
    assert!(undone.contains(&bad.to_string()) && undone.contains("web-1: not Ready"), "{undone}");
    assert_eq!(versions(&world).await, (Some(tag(&first).to_string()), None));
    assert!(!has_record(&world));
}

#[tokio::test]
async fn another_operation_does_not_wait_for_the_pods_of_one_that_died() {
    let world = World::new();
    interrupted(&world, 200).await;
    let third = world.version(3);
    deploy(&slow(&world, 200), &third).await.unwrap();
    assert_eq!(versions(&world).await, (Some(tag(&third).to_string()), None));
    let told = world.notifier.told();
    assert!(!told.iter().any(|news| news.occasion == Occasion::Promoted), "it was undone: {told:?}");
    assert!(!has_record(&world));
    // Where nothing is left to wait for, it is finished.
    let world = World::new();
    let (_, second) = interrupted(&world, 200).await;
    deploy(&world.pipeline(), &world.version(3)).await.unwrap();
    let told = world.notifier.told();
    let promoted = told.iter().find(|news| news.occasion == Occasion::Promoted);
    assert_eq!(promoted.and_then(|news| news.revision.as_ref()), Some(&second), "{told:?}");
}

#[tokio::test]
async fn what_somebody_changed_since_is_not_taken_for_finished() {
    let world = World::new();
    let (first, second) = interrupted(&world, 200).await;
    let web = world.objects().into_iter().find(|o| o.kind() == "ConfigMap" && o.name() == "web").unwrap();
    let changed =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"n": "7"}});
    assert_eq!(web.as_value()["data"]["n"], "2");
    world.cluster.apply_as("nprt", &Object::new(changed).unwrap()).unwrap();
    let done = tend(&world.pipeline()).await;
    assert!(done.undone.is_some() && done.finished.is_none(), "{done:?}");
    assert_eq!(versions(&world).await, (Some(tag(&first).to_string()), Some(tag(&second).to_string())));
}
