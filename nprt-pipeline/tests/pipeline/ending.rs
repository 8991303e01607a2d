//! The pods of a canary, which end after its workloads are gone.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use nprt_core::model::{Revision, Track};
use nprt_core::ports::{Change, Clock, Cluster};
use nprt_core::{Error, ErrorKind};
use nprt_memory::MemoryCluster;
use nprt_pipeline::{Event, Pipeline, Ports, Progress, Rollback};

use crate::world::{World, caller, canary, deploy, request, shop, tag, told};

/// A stable version and a canary, whose pods take `seconds` to end.
async fn on_trial(world: &World, seconds: u64) -> (Arc<Pipeline>, MemoryCluster, [Revision; 2]) {
    let cluster = world.cluster.clone().with_termination(Duration::from_secs(seconds));
    let ports = Ports { cluster: Arc::new(cluster.clone()), ..world.ports() };
    let (pipeline, versions) = (world.pipeline_over(ports), [world.version(1), world.version(2)]);
    deploy(&pipeline, &versions[0]).await.unwrap();
    canary(&pipeline, &versions[1]).await.unwrap();
    (pipeline, cluster, versions)
}

async fn rollback(pipeline: &Pipeline) -> Rollback {
    pipeline.rollback(&shop(), &caller(), &Progress::silent()).await.unwrap()
}

fn seconds_since(world: &World, then: Timestamp) -> f64 {
    world.clock.now().duration_since(then).as_secs_f64()
}

#[tokio::test]
async fn a_rollback_does_not_wait_for_them_and_the_next_canary_does() {
    let world = World::new();
    let (pipeline, cluster, _) = on_trial(&world, 60).await;
    let then = world.clock.now();
    let done = rollback(&pipeline).await;
    assert!(seconds_since(&world, then) < 1.0);
    assert_eq!(done.ending, cluster.pods(&shop(), Track::Canary).await.unwrap());
    assert_eq!(done.ending.len(), 2, "{done:?}");
    assert_eq!(world.runs().len(), 2, "its workloads are gone");
    let next = world.version(3);
    let (done_next, events) =
        told(async |progress| pipeline.canary(&shop(), &request(&next), &progress).await).await;
    done_next.unwrap();
    assert!(seconds_since(&world, then) >= 60.0);
    let waits =
        |event: &&Event| matches!(event, Event::PodsEnding { pods, seconds: 600 } if *pods == done.ending);
    assert_eq!(events.iter().filter(waits).count(), 1, "told once: {events:?}");
    let applies = events.iter().position(|event| matches!(event, Event::Applied { .. }));
    assert!(events.iter().position(|event| waits(&event)) < applies, "{events:?}");
    let started = pipeline.status(&shop()).await.unwrap().canary.unwrap().started.unwrap();
    assert!(started.duration_since(then).as_secs_f64() >= 60.0, "the trial begins when it runs");
}

#[tokio::test]
async fn another_canary_and_another_stable_version_start_after_them() {
    let world = World::new();
    let (pipeline, cluster, [_, second]) = on_trial(&world, 30).await;
    let then = world.clock.now();
    canary(&pipeline, &world.version(3)).await.unwrap();
    assert!(seconds_since(&world, then) >= 30.0);
    let then = world.clock.now();
    let done = deploy(&pipeline, &second).await.unwrap();
    assert_eq!(done.removed.len(), 3);
    assert!(seconds_since(&world, then) >= 30.0);
    assert_eq!(cluster.pods(&shop(), Track::Canary).await.unwrap(), []);
    assert!(world.runs().iter().all(|(_, running, _)| *running == tag(&second).to_string()));
}

#[tokio::test]
async fn what_changes_nothing_does_not_wait_nor_does_the_canary_that_becomes_stable() {
    let world = World::new();
    let (pipeline, cluster, [first, second]) = on_trial(&world, 300).await;
    let then = world.clock.now();
    let done = deploy(&pipeline, &first).await.unwrap();
    assert!(done.applied.iter().all(|applied| applied.change == Change::Unchanged), "{done:?}");
    assert!(seconds_since(&world, then) < 10.0, "the way back is quick");
    canary(&pipeline, &second).await.unwrap();
    let then = world.clock.now();
    deploy(&pipeline, &second).await.unwrap();
    assert!(seconds_since(&world, then) < 10.0, "there are two versions");
    assert_eq!(cluster.pods(&shop(), Track::Canary).await.unwrap().len(), 2);
}

#[tokio::test]
async fn pods_that_never_end_keep_all_others_away() {
    let world = World::new();
    let (pipeline, _, [first, _]) = on_trial(&world, 1_000_000).await;
    let third = world.version(3);
    let check = |error: Error| {
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        let said = error.to_string();
        assert!(said.contains("waited: 600 s") && said.contains("web-canary-"), "{said}");
    };
    check(deploy(&pipeline, &third).await.unwrap_err());
    check(canary(&pipeline, &third).await.unwrap_err());
    let stable = tag(&first).to_string();
    let expected = [("web".to_owned(), stable.clone(), 1), ("worker".to_owned(), stable, 1)];
    assert_eq!(world.runs(), expected, "stable was not touched");
}
