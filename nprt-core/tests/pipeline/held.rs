//! A canary that a person holds, and rollbacks of the very canary that was judged.

use nprt_core::model::{Object, annotation};
use nprt_core::pipeline::{Caller, Progress, Running};

use crate::world::{World, caller, canary, deploy, promote, shop};

async fn running(world: &World) -> Option<Running> {
    world.pipeline().status(&shop()).await.unwrap().canary
}

fn said(world: &World) -> Vec<Object> {
    let objects = world.cluster.objects();
    objects.into_iter().filter(|object| object.annotation(annotation::HELD).is_some()).collect()
}

#[tokio::test]
async fn a_hold_is_on_the_canary_restarts_nothing_and_ends_with_it() {
    let world = World::new();
    let pipeline = world.pipeline();
    deploy(&pipeline, &world.version(1)).await.unwrap();
    let error = pipeline.hold(&shop(), &caller(), &Progress::silent()).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");

    let trial = world.version(2);
    canary(&pipeline, &trial).await.unwrap();
    let (before, pods) = (running(&world).await.unwrap(), world.workload("web-canary").unwrap().rollouts);
    let ada = Caller::new("ada", "I look at a log").unwrap();
    let held = pipeline.hold(&shop(), &ada, &Progress::silent()).await.unwrap();
    assert_eq!((held.by.as_str(), held.reason.as_str()), ("ada", "I look at a log"));
    // Another replica sees it.
    let now = running(&world).await.unwrap();
    assert_eq!(now, Running { held: Some(held.clone()), ..before.clone() });
    assert!(said(&world).iter().all(|object| object.name().ends_with("-canary")) && !said(&world).is_empty());

    // Asked for again, its trial goes on, and the hold with it.
    canary(&pipeline, &trial).await.unwrap();
    assert_eq!(running(&world).await.unwrap().held, Some(held.clone()));
    assert_eq!(world.workload("web-canary").unwrap().rollouts, pods, "no pod was replaced");

    let resumed = pipeline.resume(&shop(), &caller(), &Progress::silent()).await.unwrap();
    assert_eq!((resumed, said(&world).len()), (Some(held), 0));
    let objects = world.cluster.objects();
    assert_eq!(pipeline.resume(&shop(), &caller(), &Progress::silent()).await.unwrap(), None);
    assert_eq!(world.cluster.objects(), objects, "nothing was written");
    assert_eq!(running(&world).await.unwrap(), before);

    pipeline.hold(&shop(), &ada, &Progress::silent()).await.unwrap();
    promote(&pipeline, &trial).await.unwrap();
    assert!(said(&world).is_empty(), "a person's promotion goes on, and stable is not held");
    canary(&pipeline, &world.version(3)).await.unwrap();
    assert_eq!(running(&world).await.unwrap().held, None);
}

#[tokio::test]
async fn only_the_canary_that_was_judged_is_rolled_back() {
    let world = World::new();
    let pipeline = world.pipeline();
    deploy(&pipeline, &world.version(1)).await.unwrap();
    canary(&pipeline, &world.version(2)).await.unwrap();
    let judged = running(&world).await.unwrap();
    let roll_back = async |canary: &Running| {
        pipeline.roll_back_if(&shop(), canary, &caller(), &Progress::silent()).await.unwrap()
    };

    canary(&pipeline, &world.version(3)).await.unwrap();
    let other = running(&world).await.unwrap();
    assert_eq!((roll_back(&judged).await, running(&world).await), (None, Some(other.clone())));

    pipeline.hold(&shop(), &caller(), &Progress::silent()).await.unwrap();
    assert_eq!(roll_back(&other).await, None, "it was held meanwhile");

    let held = running(&world).await.unwrap();
    let done = roll_back(&held).await.unwrap();
    assert_eq!((done.canary, running(&world).await), (Some(held.clone()), None));
    assert_eq!(roll_back(&held).await, None);
}
