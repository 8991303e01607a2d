//! Waiting for a lease that somebody else holds.

use std::sync::Arc;
use std::time::Duration;

use nprt_core::Result;
use nprt_core::model::Revision;
use nprt_core::ports::{Change, Clock, Cluster, Purpose, Task};
use nprt_pipeline::{Deployment, Event, Pipeline, Progress};
use tokio::task::JoinHandle;

use crate::world::{World, caller, canary, deploy, manifests, request, shop, tag, told};

fn spawn(pipeline: &Arc<Pipeline>, revision: &Revision, wait: u64) -> JoinHandle<Result<Deployment>> {
    let (pipeline, request) = (pipeline.clone(), request(revision).waiting(Duration::from_secs(wait)));
    tokio::spawn(async move { pipeline.deploy(&shop(), &request, &Progress::silent()).await })
}

/// A deploy that holds the lease until its images are pushed.
async fn holding(world: &World, pipeline: &Arc<Pipeline>) -> (Revision, JoinHandle<Result<Deployment>>) {
    let revision = world.commit(&manifests(1, ""));
    let under_way = spawn(pipeline, &revision, 0);
    world.wait(5).await;
    (revision, under_way)
}

#[tokio::test]
async fn who_waits_goes_on_after_the_other() {
    let world = World::new();
    let (pipeline, other) = (world.pipeline(), world.pipeline());
    let (first, under_way) = holding(&world, &pipeline).await;
    let second = world.version(2);
    let waiting = tokio::spawn({
        let (other, request) = (other.clone(), request(&second).waiting(Duration::from_secs(600)));
        async move { told(async |progress| other.deploy(&shop(), &request, &progress).await).await }
    });
    world.wait(60).await;
    assert!(!waiting.is_finished());
    world.push(&first);
    assert!(under_way.await.unwrap().unwrap().applied.iter().all(|a| a.change == Change::Created));
    let (done, events) = waiting.await.unwrap();
    assert!(done.unwrap().applied.iter().any(|applied| applied.change == Change::Configured));
    let waits: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::WaitingForLease { holder, seconds } => Some((holder, seconds)),
            _ => None,
        })
        .collect();
    let [(holder, seconds)] = waits[..] else { panic!("once for each holder: {waits:?}") };
    assert!(holder.contains("ci is deploying commit") && holder.contains(" (since "), "{holder}");
    assert!((590..=600).contains(seconds), "{seconds}");
    assert!(world.runs().iter().all(|(_, runs, _)| *runs == tag(&second).to_string()));
}

#[tokio::test]
async fn nobody_is_refused_for_what_takes_a_moment() {
    let world = World::new();
    let pipeline = world.pipeline();
    let lease = world.leased(Purpose::new(Task::Checkpoint, "the judge")).await;
    let (version, began) = (world.version(1), world.clock.now());
    let error = deploy(&pipeline, &version).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("the judge is saving"), "{error}");
    assert_eq!(world.clock.now().duration_since(began).as_secs(), 2, "not for ever");
    let (clock, cluster) = (world.clock.clone(), world.cluster.clone());
    let ends = tokio::spawn(async move {
        clock.sleep(Duration::from_millis(150)).await;
        cluster.release(&lease).await.unwrap()
    });
    deploy(&pipeline, &version).await.unwrap();
    assert!(ends.await.unwrap());
}

#[tokio::test]
async fn a_rollback_of_what_was_judged_cancels_nobody_but_may_wait() {
    let world = World::new();
    let (pipeline, other) = (world.pipeline(), world.pipeline());
    deploy(&pipeline, &world.version(1)).await.unwrap();
    canary(&pipeline, &world.version(2)).await.unwrap();
    let judged = pipeline.status(&shop()).await.unwrap().canary.unwrap();
    let roll_back = async |wait| {
        let wait = Some(Duration::from_secs(wait));
        other.roll_back_if(&shop(), &judged, &caller(), wait, &Progress::silent()).await
    };
    // Its images never come, so that it changes nothing.
    let deploy = spawn(&pipeline, &world.commit(&manifests(3, "")), 0);
    world.wait(5).await;
    assert!(roll_back(0).await.unwrap_err().is_conflict());
    let done = roll_back(3600).await.unwrap().unwrap();
    assert!(deploy.await.unwrap().unwrap_err().is_not_found(), "to its own end");
    assert_eq!(done.canary.as_ref(), Some(&judged));
}

#[tokio::test]
async fn the_wait_ends_as_asked_with_who_holds_it() {
    let world = World::new();
    let (pipeline, other) = (world.pipeline(), world.pipeline());
    let (first, under_way) = holding(&world, &pipeline).await;
    let second = world.version(2);
    let began = world.clock.now();
    let error = deploy(&other, &second).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("ci is deploying commit"), "{error}");
    assert_eq!(world.clock.now(), began, "at once, where nobody asked to wait");
    let error = spawn(&other, &second, 15).await.unwrap().unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("ci is deploying commit"), "{error}");
    assert!(error.to_string().contains("15 s"), "{error}");
    let waited = world.clock.now().duration_since(began).as_secs();
    assert!((15..20).contains(&waited), "{waited}");

    // A wait that is given up leaves nothing behind.
    let waiting = spawn(&other, &second, 600);
    world.wait(10).await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    world.push(&first);
    under_way.await.unwrap().unwrap();
    world.wait(60).await;
    assert!(world.runs().iter().all(|(_, runs, _)| *runs == tag(&first).to_string()));
    assert_eq!(other.status(&shop()).await.unwrap().operation, None);
    canary(&other, &second).await.unwrap();
}
