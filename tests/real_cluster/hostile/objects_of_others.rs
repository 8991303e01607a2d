//! A service that brings objects with the names of another's: it neither gets nor removes them, nor sees what is in them.

use nprt::model::Track;
use nprt::pipeline::Service;

use crate::answer::Answer as _;
use crate::world::{World, manifests};

const SECRET: &str = "{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: ";

#[tokio::test(flavor = "multi_thread")]
async fn they_are_neither_taken_nor_pruned_nor_shown() {
    let Some(world) = World::new("others").await else { return };
    let theirs = format!("{}---\n{SECRET}hunter2}}}}\n", manifests(1, ""));
    world.process().await.deploy(&world.commit(&theirs)).await.accepted();
    let before = (world.objects("deployments,secrets").await, world.pods("stable").await);

    let other = Service { prune: true, ..Service::new("other".parse().unwrap()) };
    let attacker = world.process_of(other).await;
    let own = "{apiVersion: v1, kind: ConfigMap, metadata: {name: own}, data: {a: b}}\n";
    for stolen in [manifests(2, "fail"), format!("{SECRET}changed}}}}\n")] {
        let revision = world.commit(&format!("{own}---\n{stolen}"));
        let refused = attacker.deploy(&revision).await.refused_with(&["owner: shop", "service: other"]);
        let previewed = attacker.preview(&revision, Track::Stable).await.unwrap_err();
        for said in [refused.to_string(), previewed.to_string()] {
            assert!(!said.contains("hunter2") && !said.contains("aHVudGVyMg"), "no value is shown: {said}");
        }
    }
    // What it dropped, it never had.
    let done = attacker.deploy(&world.commit(own)).await.accepted();
    assert_eq!(done.pruned, []);
    attacker.rollback().await.unwrap();
    assert_eq!((world.objects("deployments,secrets").await, world.pods("stable").await), before);
}
