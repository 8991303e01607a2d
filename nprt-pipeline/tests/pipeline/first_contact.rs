//! A canary next to workloads that another tool made: stable is not written until the promotion, which adopts them.

use nprt_core::model::{Object, RepoPath, SourceFile, Track};
use nprt_pipeline::Progress;
use serde_json::Value;

use super::world::{World, caller, manifests, request, shop};

/// The manifests as another tool applied them, with this image tag.
fn made_before(world: &World, tag: &str) {
    let text = manifests(1, "").replace("shop/web", &format!("shop/web:{tag}"));
    let text = text.replace("shop/worker", &format!("shop/worker:{tag}"));
    let file = SourceFile { path: RepoPath::new("shop.yaml").unwrap(), content: text.into() };
    for document in nprt_manifest::read(&[file]).unwrap().documents {
        world.cluster.apply_as("nprt", &document.object).unwrap();
    }
}

fn deployment(world: &World, name: &str) -> Option<Value> {
    let is_it = |object: &Object| object.kind() == "Deployment" && object.name() == name;
    world.objects().into_iter().find(is_it).map(Object::into_value)
}

#[tokio::test]
async fn a_canary_can_be_the_first_contact() {
    let world = World::new();
    made_before(&world, "v1");
    let stable = ["web", "worker"].map(|name| deployment(&world, name));
    let pipeline = world.pipeline();
    let second = world.version(2);
    pipeline.canary(&shop(), &request(&second), &Progress::silent()).await.unwrap();
    assert_eq!(["web", "worker"].map(|name| deployment(&world, name)), stable, "stable is not written");
    let status = pipeline.status(&shop()).await.unwrap();
    assert_eq!((status.stable, status.canary.unwrap().revision), (None, Some(second.clone())));
    // Judging finds no measurements of stable that name a version: it decides nothing, and does not fail.
    let judged = pipeline.judge_canary(&shop(), &Progress::silent()).await.unwrap();
    assert!(judged.verdict.decision.as_str() == "inconclusive", "{judged:?}");

    let done = pipeline.promote(&shop(), &request(&second), &Progress::silent()).await.unwrap();
    assert_eq!(done.track, Track::Stable);
    assert!(deployment(&world, "web-canary").is_none());
    let web = deployment(&world, "web").unwrap();
    assert_eq!(web["metadata"]["labels"]["nprt.dev/service"], "shop");
}

#[tokio::test]
async fn a_rollback_of_the_first_contact_leaves_stable_as_it_was() {
    let world = World::new();
    made_before(&world, "v1");
    let before = world.objects();
    let pipeline = world.pipeline();
    pipeline.canary(&shop(), &request(&world.version(2)), &Progress::silent()).await.unwrap();
    pipeline.rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
    assert_eq!(world.objects(), before);
}

#[tokio::test]
async fn without_anything_to_compare_with_a_canary_is_refused() {
    let world = World::new();
    let error =
        world.pipeline().canary(&shop(), &request(&world.version(1)), &Progress::silent()).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("deploy one first"), "{error}");
    assert!(world.objects().is_empty());
}
