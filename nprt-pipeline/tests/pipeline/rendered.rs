//! Manifests that Helm or kustomize rendered: every tag is written, and the service lists its images.

use std::sync::Arc;

use nprt_core::model::{Branches, ImageName, Revision, Tag, Track, VersionRef};
use nprt_pipeline::{Pipeline, Progress, Request, Service};

use crate::world::{WEB, World, caller, canary, deploy, promote, request, shop};

/// The service's own Deployment of a version, and a cache of somebody else's. The comment makes commits differ.
fn rendered(tag: &str, comment: u32) -> String {
    let deployment = |name: &str, image: &str| {
        format!(
            "---\n# {comment}\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  \
             selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    \
             spec: {{containers: [{{name: {name}, image: '{image}'}}]}}\n"
        )
    };
    deployment("web", &format!("{WEB}{tag}")) + &deployment("redis", "redis:7.2")
}

fn pipeline(world: &World, branches: &[&str]) -> Arc<Pipeline> {
    let mut service = Service::new(shop());
    service.images.insert(ImageName::new(WEB).unwrap());
    if !branches.is_empty() {
        service.deployable_branches = Branches::of(branches.iter().copied());
    }
    world.pipeline_of(service, world.ports())
}

fn by_branch(branch: &str) -> Request {
    Request::new(VersionRef::new(Some(branch), None).unwrap(), caller())
}

#[tokio::test]
async fn the_version_is_called_by_its_written_tag_and_goes_all_the_way() {
    let world = World::new();
    let pipeline = pipeline(&world, &[]);
    let first = world.commit(&rendered(":v1.2.3", 1));
    let done = deploy(&pipeline, &first).await.unwrap();
    assert_eq!(done.tag.as_str(), "v1.2.3");
    let second = world.commit(&rendered(":v1.2.4", 2));
    let done = canary(&pipeline, &second).await.unwrap();
    assert_eq!(done.tag.as_str(), "v1.2.4");
    let of_redis = |done: &nprt_pipeline::Deployment| {
        done.applied.iter().filter(|applied| applied.object.name.contains("redis")).count()
    };
    assert_eq!(of_redis(&done), 0, "no canary of a cache: {done:?}");
    let status = pipeline.status(&shop()).await.unwrap();
    assert_eq!(status.canary.unwrap().tag, Some(Tag::new("v1.2.4").unwrap()));
    let done = promote(&pipeline, &second).await.unwrap();
    assert_eq!((done.track, done.tag.as_str()), (Track::Stable, "v1.2.4"));
    assert_eq!(
        world.runs(),
        [("redis".to_owned(), String::new(), 1), ("web".to_owned(), "v1.2.4".to_owned(), 2)],
        "the cache was rolled out once, by the first deploy"
    );
}

#[tokio::test]
async fn a_digest_alone_is_called_by_its_revision() {
    let world = World::new();
    let digest = format!("@sha256:{}", "ab".repeat(32));
    let revision = world.commit(&rendered(&digest, 1));
    let done = deploy(&pipeline(&world, &[]), &revision).await.unwrap();
    assert_eq!(done.tag.as_str(), revision.to_string());
}

#[tokio::test]
async fn a_version_that_runs_keeps_its_name() {
    let world = World::new();
    let pipeline = pipeline(&world, &[]);
    let revision = world.commit(&rendered(":v1", 1));
    let tag = Tag::for_commit("main", &revision);
    let by_tag = Request::new(VersionRef::new(None, Some(tag.as_str())).unwrap(), caller());
    pipeline.deploy(&shop(), &by_tag, &Progress::silent()).await.unwrap();
    let done = deploy(&pipeline, &revision).await.unwrap();
    assert_eq!(done.tag, tag, "with another one its pods would restart for nothing");
    assert!(world.runs().iter().all(|(_, _, rollouts)| *rollouts == 1), "{:?}", world.runs());
}

/// What may be promoted is checked by the name of what runs, which then says its branch.
#[tokio::test]
async fn limited_branches_hold_for_a_promotion_too() {
    let world = World::new();
    let pipeline = pipeline(&world, &["main"]);
    let first = world.commit(&rendered(":v1", 1));
    let refused = deploy(&pipeline, &first).await.unwrap_err();
    assert!(refused.kind() == nprt_core::ErrorKind::Forbidden, "a commit alone is of no branch: {refused}");
    pipeline.deploy(&shop(), &by_branch("main"), &Progress::silent()).await.unwrap();
    let second: Revision = world.commit(&rendered(":v2", 2));
    pipeline.canary(&shop(), &by_branch("main"), &Progress::silent()).await.unwrap();
    let done = pipeline.promote(&shop(), &request(&second), &Progress::silent()).await.unwrap();
    assert_eq!(done.tag, Tag::for_commit("main", &second));
}

#[tokio::test]
async fn without_a_list_the_deploy_says_what_to_do() {
    let world = World::new();
    let revision = world.commit(&rendered(":v1", 1));
    let done = deploy(&world.pipeline(), &revision).await.unwrap();
    let said = done.warnings.join("\n");
    assert!(said.contains(&format!("{WEB}:v1")) && said.contains("`images` of the service"), "{said}");
}
