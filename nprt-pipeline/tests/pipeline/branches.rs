//! Which branches may be deployed.

use nprt_core::model::{Branches, ImageName, Revision, Tag, Track, VersionRef};
use nprt_core::{Error, ErrorKind};
use nprt_pipeline::{Event, Pipeline, Progress, Request, Service};

use crate::world::{WEB, WORKER, World, caller, canary, deploy, digest, promote, request, shop, told};

fn only_main() -> Branches {
    Branches::of(["main"])
}

fn limited(world: &World) -> std::sync::Arc<Pipeline> {
    let service = Service { deployable_branches: only_main(), ..Service::new(shop()) };
    world.pipeline_of(service, world.ports())
}

/// A version whose images have the tag of another branch.
fn feature(world: &World, n: u32) -> (Revision, Tag) {
    let revision = world.commit(&crate::world::manifests(n, ""));
    let tag = Tag::for_commit("feature/x", &revision);
    for image in [WEB, WORKER] {
        world.registry.push(&ImageName::new(image).unwrap(), &tag, &digest());
    }
    (revision, tag)
}

fn is_refused(error: &Error, who: &str) {
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    assert!(error.to_string().contains(who), "{error}");
    assert!(error.to_string().ends_with("available: main"), "{error}");
}

#[tokio::test]
async fn a_version_of_another_branch_is_refused_at_once_and_told_to_nobody_else() {
    let world = World::new();
    let pipeline = limited(&world);
    deploy(&pipeline, &world.version(1)).await.unwrap();
    let (revision, tag) = feature(&world, 2);
    let (before, heard) = (world.objects(), world.notifier.told().len());
    let commit = revision.to_string();
    for (commit, tag) in [
        (Some(commit.as_str()), None),
        (Some(commit.as_str()), Some(tag.as_str())),
        (None, Some(tag.as_str())),
        (Some("feature/x"), None),
    ] {
        let request = Request::new(VersionRef::new(commit, tag).unwrap(), caller());
        let (deployed, events) = told(|progress| {
            let (pipeline, request) = (&pipeline, &request);
            async move { pipeline.deploy(&shop(), request, &progress).await }
        })
        .await;
        is_refused(&deployed.unwrap_err(), "the service does not allow this branch");
        let waits = |event: &Event| matches!(event, Event::WaitingForImages { .. });
        assert!(!events.iter().any(waits), "waiting would not help: {events:?}");
        for track in [Track::Stable, Track::Canary] {
            let error = pipeline.preview(&shop(), &request, track, &Progress::silent()).await.unwrap_err();
            is_refused(&error, "the service does not allow this branch");
        }
        let error = pipeline.canary(&shop(), &request, &Progress::silent()).await.unwrap_err();
        is_refused(&error, "the service does not allow this branch");
    }
    assert_eq!(world.objects(), before);
    assert_eq!(world.notifier.told().len(), heard);
}

#[tokio::test]
async fn of_several_tags_one_of_an_allowed_branch_is_taken() {
    let world = World::new();
    let pipeline = limited(&world);
    let (revision, _) = feature(&world, 1);
    world.push(&revision);
    let done = deploy(&pipeline, &revision).await.unwrap();
    assert_eq!(done.tag, crate::world::tag(&revision));
}

#[tokio::test]
async fn who_asks_may_be_limited_further_and_may_not_promote_what_others_started() {
    let world = World::new();
    let pipeline = world.pipeline();
    deploy(&pipeline, &world.version(1)).await.unwrap();
    let (revision, _) = feature(&world, 2);
    let limited = request(&revision).of_branches(only_main());
    let error = pipeline.canary(&shop(), &limited, &Progress::silent()).await.unwrap_err();
    is_refused(&error, "the caller may not deploy this branch");

    canary(&pipeline, &revision).await.unwrap();
    let before = world.objects();
    for error in [
        pipeline.promote(&shop(), &limited, &Progress::silent()).await.unwrap_err(),
        pipeline.preview_promotion(&shop(), &limited, &Progress::silent()).await.unwrap_err(),
    ] {
        is_refused(&error, "the caller may not deploy this branch");
    }
    assert_eq!(world.objects(), before);
    promote(&pipeline, &revision).await.unwrap();
}

#[tokio::test]
async fn images_that_lag_are_waited_for_under_a_limit_too() {
    let world = World::new();
    let pipeline = limited(&world);
    let revision = world.commit(&crate::world::manifests(1, ""));
    let late = async {
        world.wait(5).await;
        world.push(&revision);
    };
    let (deployed, ()) = tokio::join!(deploy(&pipeline, &revision), late);
    assert_eq!(deployed.unwrap().tag, crate::world::tag(&revision));
}

/// A commit may be on two branches, and CI be done with the other one first.
#[tokio::test]
async fn the_tag_of_the_branch_that_is_asked_for_is_waited_for() {
    let world = World::new();
    let pipeline = limited(&world);
    let (revision, _) = feature(&world, 1);
    let late = async {
        world.wait(5).await;
        world.push(&revision);
    };
    let main = Request::new(VersionRef::new(Some("main"), None).unwrap(), caller());
    let (shop, silent) = (shop(), Progress::silent());
    let (deployed, ()) = tokio::join!(pipeline.deploy(&shop, &main, &silent), late);
    assert_eq!(deployed.unwrap().tag, crate::world::tag(&revision));
}

/// Without images nothing says the branch, but who asks.
#[tokio::test]
async fn a_version_without_images_is_of_the_branch_that_is_asked_for() {
    let world = World::new();
    let pipeline = limited(&world);
    let revision = world.commit("{apiVersion: v1, kind: ConfigMap, metadata: {name: web}}");
    is_refused(&deploy(&pipeline, &revision).await.unwrap_err(), "the service does not allow this branch");
    let main = Request::new(VersionRef::new(Some("main"), None).unwrap(), caller());
    pipeline.deploy(&shop(), &main, &Progress::silent()).await.unwrap();
}
