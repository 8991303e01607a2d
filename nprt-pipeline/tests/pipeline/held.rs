//! A canary that a person holds, and rollbacks of the very canary that was judged.

use std::sync::Arc;

use nprt_core::model::{Object, annotation};
use nprt_core::ports::Occasion;
use nprt_pipeline::{Caller, Pipeline, Ports, Progress, Running};

use crate::faulty::Faulty;
use crate::world::{World, caller, canary, deploy, promote, shop};

async fn running(world: &World) -> Option<Running> {
    world.pipeline().status(&shop()).await.unwrap().canary
}

fn said(world: &World) -> Vec<Object> {
    let objects = world.objects();
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
    let objects = world.objects();
    assert_eq!(pipeline.resume(&shop(), &caller(), &Progress::silent()).await.unwrap(), None);
    assert_eq!(world.objects(), objects, "nothing was written");
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
        pipeline.roll_back_if(&shop(), canary, &caller(), None, &Progress::silent()).await.unwrap()
    };

    canary(&pipeline, &world.version(3)).await.unwrap();
    let other = running(&world).await.unwrap();
    assert_eq!((roll_back(&judged).await, running(&world).await), (None, Some(other.clone())));

    pipeline.hold(&shop(), &caller(), &Progress::silent()).await.unwrap();
    assert_eq!(roll_back(&other).await, None, "it was held meanwhile");

    let held = running(&world).await.unwrap();
    let done = roll_back(&held).await.unwrap();
    assert_eq!((done.canary, running(&world).await), (Some(held.clone()), None));
    let stable =
        world.cluster.objects().into_iter().find(|o| o.annotation(annotation::ROLLED_BACK).is_some());
    let said: serde_json::Value = stable
        .map(|stable| serde_json::from_str(stable.annotation(annotation::ROLLED_BACK).unwrap()).unwrap())
        .unwrap();
    assert_eq!((said["by"].as_str(), said["reason"].as_str()), (Some("ci"), Some("a test")));
    assert_eq!(said["canary"], held.describe());
    let web = world.workload("web").unwrap();
    assert_eq!(web.rollouts, 1, "no pod of stable was replaced");
    assert_eq!(roll_back(&held).await, None);
}

async fn promote_if(pipeline: &Pipeline, canary: &Running) -> bool {
    pipeline.promote_if(&shop(), canary, &caller(), &Progress::silent()).await.unwrap().is_some()
}

#[tokio::test]
async fn only_the_canary_that_was_judged_is_promoted() {
    let world = World::new();
    let pipeline = world.pipeline();
    deploy(&pipeline, &world.version(1)).await.unwrap();
    let (second, third) = (world.version(2), world.version(3));
    canary(&pipeline, &second).await.unwrap();
    let judged = running(&world).await.unwrap();
    canary(&pipeline, &third).await.unwrap();
    let objects = world.cluster.objects();
    assert!(!promote_if(&pipeline, &judged).await, "another one runs");
    assert_eq!(world.cluster.objects(), objects, "nothing was written");

    // The same version, but another trial of it, by other measurements.
    let judged = running(&world).await.unwrap();
    canary(&pipeline, &second).await.unwrap();
    world.wait(60).await;
    canary(&pipeline, &third).await.unwrap();
    assert!(!promote_if(&pipeline, &judged).await, "it was started anew");

    let unknown = Running { tag: None, ..running(&world).await.unwrap() };
    let done = pipeline.promote_if(&shop(), &unknown, &caller(), &Progress::silent()).await;
    assert!(done.unwrap_err().is_invalid());
    let now = running(&world).await.unwrap();
    assert!(promote_if(&pipeline, &now).await);
    let stable = pipeline.status(&shop()).await.unwrap().stable.unwrap();
    assert_eq!((stable.revision, running(&world).await), (Some(third), None));
    assert!(!promote_if(&pipeline, &now).await, "it is stable, and no canary any more");
    let promoted = world.cluster.events().into_iter().filter(|(_, event)| event.reason() == "Promoted");
    assert_eq!(promoted.count(), 1);
}

#[tokio::test]
async fn a_hold_between_the_last_look_and_the_lease_stops_a_promotion_but_not_a_persons() {
    let world = World::new();
    let person = world.pipeline();
    let trial = world.version(2);
    deploy(&person, &world.version(1)).await.unwrap();
    canary(&person, &trial).await.unwrap();
    let judged = running(&world).await.unwrap();

    let cluster = Arc::new(Faulty { person: Some(person.clone()).into(), ..Faulty::new(&world) });
    let autopilot = world.pipeline_over(Ports { cluster: cluster.clone(), ..world.ports() });
    assert!(!promote_if(&autopilot, &judged).await, "a person said to wait");
    let now = running(&world).await.unwrap();
    assert!(now.held.is_some() && now.started == judged.started, "the canary lives, and is held");
    assert!(!promote_if(&autopilot, &now).await, "one that is held when it is judged is not promoted either");
    let stable = person.status(&shop()).await.unwrap().stable.unwrap();
    assert_ne!(stable.revision.as_ref(), Some(&trial));

    promote(&person, &trial).await.unwrap();
    let stable = person.status(&shop()).await.unwrap().stable.unwrap();
    assert_eq!((stable.revision, running(&world).await), (Some(trial), None));
}

#[tokio::test]
async fn a_canary_of_which_nothing_is_known_is_left_to_a_person_once() {
    let world = World::new();
    let pipeline = world.pipeline();
    deploy(&pipeline, &world.version(1)).await.unwrap();
    canary(&pipeline, &world.version(2)).await.unwrap();
    let judged = running(&world).await.unwrap();
    let (caller, silent) = (caller(), Progress::silent());
    let leave =
        async |canary: &Running| pipeline.leave_undecided(&shop(), canary, &caller, &silent).await.unwrap();
    assert!(leave(&judged).await);
    assert!(!leave(&judged).await, "it was said");
    assert_eq!(running(&world).await.unwrap(), judged, "it stays");
    let says = |object: &&Object| object.annotation(annotation::UNDECIDED).is_some();
    assert_eq!(world.cluster.objects().iter().filter(says).count(), 2, "on both workloads");
    let events = world.cluster.events();
    let events: Vec<_> = events.iter().filter(|(_, event)| event.reason() == "Undecided").collect();
    assert!(events.len() == 1 && events[0].1.is_warning() && events[0].1.note().contains("left to a person"));
    let told = world.notifier.told();
    let told = told.iter().filter(|told| told.occasion == Occasion::Undecided);
    assert_eq!(told.count(), 1);

    canary(&pipeline, &world.version(3)).await.unwrap();
    assert!(!leave(&judged).await, "another one runs");
    pipeline.hold(&shop(), &caller, &silent).await.unwrap();
    assert!(!leave(&running(&world).await.unwrap()).await, "a person holds it");
}
