//! A canary whose time is over.

use jiff::SignedDuration;
use nprt_core::model::{Object, annotation};
use nprt_core::ports::{Change, Occasion};
use nprt_pipeline::{Pipeline, PipelineSettings, Progress, Rollback, Running, Service};
use serde_json::json;

use crate::world::{World, caller, canary, deploy, promote, shop};

async fn running(pipeline: &Pipeline) -> Running {
    pipeline.status(&shop()).await.unwrap().canary.unwrap()
}

async fn expire(pipeline: &Pipeline) -> Option<Rollback> {
    pipeline.expire(&shop(), &caller(), &Progress::silent()).await.unwrap()
}

#[tokio::test]
async fn it_is_neither_judged_nor_promoted_and_any_replica_removes_it() {
    let world = World::new();
    let (pipeline, replica) = (world.pipeline(), world.pipeline());
    assert!(expire(&replica).await.is_none(), "there is none");
    deploy(&pipeline, &world.version(1)).await.unwrap();
    let trial = world.version(2);
    canary(&pipeline, &trial).await.unwrap();
    let started = running(&pipeline).await;
    assert_eq!(started.expires, started.started.map(|started| started + SignedDuration::from_hours(24)));

    // An hour before its end it is as any other, and asking again does not give it more time.
    world.wait(23 * 3600).await;
    let before = world.objects();
    assert!(expire(&replica).await.is_none());
    let again = canary(&pipeline, &trial).await.unwrap();
    assert!(again.applied.iter().all(|applied| applied.change == Change::Unchanged), "{again:?}");
    assert_eq!(world.objects(), before, "nothing was written");
    let judged = pipeline.judge_canary(&shop(), &Progress::silent()).await;
    assert!(!judged.is_err_and(|error| error.is_conflict()));

    world.wait(3600).await;
    for error in [
        pipeline.judge_canary(&shop(), &Progress::silent()).await.unwrap_err(),
        promote(&pipeline, &trial).await.unwrap_err(),
    ] {
        assert!(error.is_conflict() && error.to_string().contains("time is over"), "{error}");
        assert!(error.to_string().contains(&started.expires.unwrap().to_string()), "{error}");
    }
    assert_eq!(world.objects(), before);
    let stable = world.workload("web");
    let done = expire(&replica).await.unwrap();
    assert_eq!((done.removed.len(), done.canary.unwrap().revision), (3, Some(trial)));
    assert_eq!(world.workload("web"), stable);
    let says = |object: &Object| object.annotation(annotation::ROLLED_BACK).is_some();
    assert!(world.objects().iter().any(says), "a person finds it on stable");
    assert!(expire(&pipeline).await.is_none(), "once");
    let told = world.notifier.told();
    let last = told.last().unwrap();
    assert_eq!(last.occasion, Occasion::RolledBack);
    assert!(last.summary.contains("expired"), "{}", last.summary);
    assert!(pipeline.status(&shop()).await.unwrap().operation.is_none());
}

#[tokio::test]
async fn asked_for_again_it_is_started_anew() {
    let world = World::new();
    let pipeline = world.pipeline();
    deploy(&pipeline, &world.version(1)).await.unwrap();
    let trial = world.version(2);
    canary(&pipeline, &trial).await.unwrap();
    let first = running(&pipeline).await;
    world.wait(24 * 3600).await;
    let done = canary(&pipeline, &trial).await.unwrap();
    assert_eq!(done.removed.len(), 3, "{done:?}");
    let second = running(&pipeline).await;
    assert!(second.started > first.expires && second.expires > second.started, "{second:?}");
    promote(&pipeline, &trial).await.unwrap();
}

#[tokio::test]
async fn what_its_objects_say_counts() {
    let world = World::new();
    let pipeline = world.pipeline();
    deploy(&pipeline, &world.version(1)).await.unwrap();
    let say = |expires: &str| {
        let objects = world.objects();
        for object in objects.iter().filter(|object| object.annotation("nprt.dev/expires").is_some()) {
            let mut said = object.clone();
            said.as_value_mut()["metadata"]["annotations"]["nprt.dev/expires"] = json!(expires);
            world.cluster.apply_as("kubectl", &said).unwrap();
        }
    };
    // A person gives it more time.
    canary(&pipeline, &world.version(2)).await.unwrap();
    say("2999-01-01T00:00:00Z");
    world.wait(48 * 3600).await;
    assert!(expire(&pipeline).await.is_none());
    // What nobody can read is over.
    say("tomorrow");
    let error = pipeline.judge_canary(&shop(), &Progress::silent()).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("cannot be read"), "{error}");
    assert!(expire(&pipeline).await.is_some());
}

#[test]
fn a_policy_that_takes_longer_than_a_canary_lives_is_refused() {
    let world = World::new();
    let settings = PipelineSettings { canary_seconds: 3600, ..PipelineSettings::default() };
    for (soak_minutes, fits) in [(59, true), (60, false)] {
        let mut service = Service::new(shop());
        service.policy.soak_minutes = soak_minutes;
        let pipeline = Pipeline::new("test", world.clock.clone(), settings).unwrap();
        match pipeline.with_service(service, world.ports()) {
            Ok(_) => assert!(fits),
            Err(error) => assert!(!fits && error.to_string().contains("soak_minutes"), "{error}"),
        }
    }
}
