//! The events that decisions leave on a workload.

use std::sync::{Arc, Mutex};

use nprt_core::ports::Clock;
use nprt_pipeline::{Caller, Pipeline, Ports, Progress, Request};

use crate::faulty::{Eventless, Faulty};
use crate::world::{World, caller, canary, deploy, manifests, promote, request, shop, tag, told};

/// What was recorded since the last look: the object, the reason and the note, warnings with a `!`.
fn recorded(world: &World, seen: &mut usize) -> Vec<(String, String, String)> {
    let all = world.cluster.events();
    let new = all[*seen..].iter().map(|(id, event)| {
        let warning = if event.is_warning() { "!" } else { "" };
        (id.to_string(), format!("{}{warning}", event.reason()), event.note().to_owned())
    });
    let new = new.collect();
    *seen = all.len();
    new
}

/// The one event since the last look: it is on stable's first Deployment.
fn one(world: &World, seen: &mut usize, reason: &str) -> String {
    let new = recorded(world, seen);
    let [(object, said, note)] = &new[..] else { panic!("expected {reason} alone: {new:?}") };
    assert_eq!((object.as_str(), said.as_str()), ("Deployment/shop/web", reason));
    note.clone()
}

#[tokio::test]
async fn each_decision_leaves_one_event() {
    let world = World::new();
    let (first, second, third) = (world.version(1), world.version(2), world.version(3));
    let (pipeline, mut seen) = (world.pipeline(), 0);
    let silent = Progress::silent();

    deploy(&pipeline, &first).await.unwrap();
    let note = one(&world, &mut seen, "Deployed");
    assert_eq!(note, format!("by ci: {} of shop is stable (a test)", tag(&first)));
    canary(&pipeline, &second).await.unwrap();
    assert!(one(&world, &mut seen, "CanaryStarted").contains(tag(&second).as_str()));
    promote(&pipeline, &second).await.unwrap();
    assert!(one(&world, &mut seen, "Promoted").contains("was promoted to stable"));
    canary(&pipeline, &third).await.unwrap();
    pipeline.rollback(&shop(), &caller(), &silent).await.unwrap();
    let new = recorded(&world, &mut seen);
    assert_eq!(
        new.iter().map(|(_, reason, _)| reason.as_str()).collect::<Vec<_>>(),
        ["CanaryStarted", "RolledBack!"]
    );
    pipeline.rollback(&shop(), &caller(), &silent).await.unwrap();
    assert_eq!(recorded(&world, &mut seen), [], "nothing was decided");
    canary(&pipeline, &third).await.unwrap();
    world.wait(100_000).await;
    pipeline.expire(&shop(), &caller(), &silent).await.unwrap().unwrap();
    let new = recorded(&world, &mut seen);
    assert_eq!(new[1].1, "Expired!", "{new:?}");

    let bad = world.commit(&manifests(4, "crash-loop"));
    world.push(&bad);
    deploy(&pipeline, &bad).await.unwrap_err();
    let note = one(&world, &mut seen, "Failed!");
    for part in ["by ci: deploy of commit ", "CrashLoopBackOff", "undone: "] {
        assert!(note.contains(part), "{part:?} is not in {note}");
    }
    // A preview decides nothing.
    pipeline.preview(&shop(), &request(&third), nprt_core::model::Track::Stable, &silent).await.unwrap();
    assert_eq!(recorded(&world, &mut seen), []);
}

/// Nothing of stable was there: it is on what the deploy made, and undid.
#[tokio::test]
async fn a_first_deploy_that_fails_is_told_too() {
    let world = World::new();
    let bad = world.commit(&manifests(1, "crash-loop"));
    world.push(&bad);
    deploy(&world.pipeline(), &bad).await.unwrap_err();
    one(&world, &mut 0, "Failed!");
}

#[tokio::test]
async fn a_long_reason_cuts_the_end_of_the_note() {
    let world = World::new();
    let first = world.version(1);
    let caller = Caller::new("ada", "why ".repeat(250)).unwrap();
    let request = Request { caller, ..request(&first) };
    world.pipeline().deploy(&shop(), &request, &Progress::silent()).await.unwrap();
    let note = one(&world, &mut 0, "Deployed");
    assert!(note.len() <= 1024 && note.starts_with("by ada: ") && note.contains("is stable"), "{note}");
    assert!(note.ends_with('…'), "{note}");
}

#[tokio::test]
async fn what_cannot_be_recorded_fails_nothing() {
    for (eventless, warned) in
        [(Eventless::Refused, true), (Eventless::Silent, true), (Eventless::Unclaimed, false)]
    {
        let world = World::new();
        let first = world.version(1);
        let faulty = Faulty { eventless: Mutex::new(Some(eventless)), ..Faulty::new(&world) };
        let pipeline: Arc<Pipeline> =
            world.pipeline_over(Ports { cluster: Arc::new(faulty), ..world.ports() });
        let began = world.clock.now();
        let (done, events) =
            told(async |progress| pipeline.deploy(&shop(), &request(&first), &progress).await).await;
        done.unwrap();
        let warnings = events.iter().filter(|event| event.to_string().contains("no event of this"));
        assert_eq!(warnings.count(), usize::from(warned), "{eventless:?}: {events:?}");
        assert!(world.clock.now().duration_since(began).as_secs() < 30, "{eventless:?}");
    }
}
