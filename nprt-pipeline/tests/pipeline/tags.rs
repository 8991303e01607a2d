//! Finding the images of a version, in a registry that lags or has them not.

use std::time::Duration;

use nprt_core::ErrorKind;
use nprt_core::model::{ImageName, Tag, VersionRef};
use nprt_core::ports::Clock;
use nprt_pipeline::{Event, Progress, Request};

use crate::world::{WEB, WORKER, World, caller, deploy, digest, manifests, request, shop, tag, told};

fn image(name: &str) -> ImageName {
    ImageName::new(name).unwrap()
}

#[tokio::test]
async fn waits_for_a_registry_that_lags() {
    let world = World::new();
    let pipeline = world.pipeline();
    let revision = world.commit(&manifests(1, ""));
    world.registry.push(&image(WEB), &tag(&revision), &digest());
    world.registry.push_at(
        &image(WORKER),
        &tag(&revision),
        &digest(),
        world.clock.now() + jiff::SignedDuration::from_secs(20),
    );
    let (done, events) =
        told(async |progress| pipeline.deploy(&shop(), &request(&revision), &progress).await).await;
    assert_eq!(done.unwrap().revision, revision);
    let waits: Vec<u64> = events
        .iter()
        .filter_map(|event| match event {
            Event::WaitingForImages { images, seconds, .. } => {
                assert_eq!(images, &[image(WORKER)], "the one that is missing");
                Some(*seconds)
            }
            _ => None,
        })
        .collect();
    assert_eq!(waits, [1, 2, 4, 8, 16]);
}

#[tokio::test]
async fn gives_up_after_its_time_and_lists_what_there_is() {
    let world = World::new();
    let pipeline = world.pipeline();
    let old = world.version(1);
    let revision = world.commit(&manifests(2, ""));
    let began = world.clock.now();
    let error = deploy(&pipeline, &revision).await.unwrap_err();
    assert_eq!(world.clock.now().duration_since(began).as_secs(), 300, "bounded, and to its end");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let said = error.to_string();
    assert!(said.contains(WEB) && said.contains(&revision.to_string()), "image and commit: {said}");
    assert_eq!(error.available(), [tag(&old).to_string()]);
    assert_eq!(world.objects(), []);
}

#[tokio::test]
async fn a_deploy_that_waits_can_be_dropped() {
    let world = World::new();
    let pipeline = world.pipeline();
    let revision = world.commit(&manifests(1, ""));
    let request = request(&revision);
    let began = world.clock.now();
    {
        let (name, silent) = (shop(), Progress::silent());
        let waits = std::pin::pin!(pipeline.deploy(&name, &request, &silent));
        let time = world.clock.sleep(Duration::from_secs(30));
        let first = futures_util::future::select(waits, time).await;
        assert!(matches!(first, futures_util::future::Either::Right(_)), "it waits for its images");
    }
    world.push(&revision);
    let error = deploy(&pipeline, &revision).await.unwrap_err();
    assert!(error.is_conflict(), "a dropped operation's lease lasts until it expires: {error}");
    world.wait(30).await;
    deploy(&pipeline, &revision).await.unwrap();
    assert!(world.clock.now().duration_since(began).as_secs() < 120);
}

#[tokio::test]
async fn takes_one_tag_that_all_images_have() {
    let world = World::new();
    let pipeline = world.pipeline();
    let revision = world.commit(&manifests(1, ""));
    let short = &revision.to_string()[..7];
    let push = |name: &str, tag: &str| world.registry.push(&image(name), &Tag::new(tag).unwrap(), &digest());
    // The commit inside a tag is not its commit; each image has one of its own; both have two.
    for only_web in [format!("revert-{short}-0000000"), format!("alone-{short}")] {
        push(WEB, &only_web);
    }
    push(WORKER, &format!("other-{short}"));
    for both in [format!("zeta-{short}"), format!("beta-{short}"), format!("latest-{short}")] {
        push(WEB, &both);
        push(WORKER, &both);
    }
    let done = deploy(&pipeline, &revision).await.unwrap();
    assert_eq!(done.tag.as_str(), format!("beta-{short}"), "the same in every run");
    // The tag of the branch that was asked for is preferred, once another version ran.
    let other = world.version(2);
    deploy(&pipeline, &other).await.unwrap();
    world.vcs.branch("zeta", &revision).unwrap();
    let full = Tag::for_commit("zeta", &revision);
    push(WEB, full.as_str());
    push(WORKER, full.as_str());
    let version = VersionRef::new(Some("zeta"), None).unwrap();
    let request = Request::new(version, caller());
    let done = pipeline.deploy(&shop(), &request, &Progress::silent()).await.unwrap();
    assert_eq!(done.tag, full);
}

#[tokio::test]
async fn an_image_without_a_common_tag_is_refused() {
    let world = World::new();
    let revision = world.commit(&manifests(1, ""));
    let short = &revision.to_string()[..7];
    world.registry.push(&image(WEB), &Tag::new(&format!("a-{short}")).unwrap(), &digest());
    world.registry.push(&image(WORKER), &Tag::new(&format!("b-{short}")).unwrap(), &digest());
    let error = deploy(&world.pipeline(), &revision).await.unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("in common"), "{error}");
}
