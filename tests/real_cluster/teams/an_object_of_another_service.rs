//! Two services that bring an object of one name: the second is refused, and told whose it is.

use nprt::pipeline::Service;

use crate::answer::Answer as _;
use crate::world::{World, manifests, shop};

const SHARED: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: web}, data: {'n': '7'}}";

fn other() -> Service {
    Service { prune: true, ..Service::new("other".parse().unwrap()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_over_it_is_refused_and_names_both_services() {
    let Some(world) = World::new("owner").await else { return };
    world.process().await.deploy(&world.commit(&manifests(1, ""))).await.accepted();
    let theirs = world.process_of(other()).await;
    let words = ["conflict", "owner: shop", "service: other", "take_over"];
    theirs.deploy(&world.commit(&manifests(2, ""))).await.refused_with(&words);
    assert_eq!(world.object("configmap/web").await["data"]["n"], "1", "nothing changed");
    // One object is enough.
    theirs.deploy(&world.commit(SHARED)).await.refused_with(&["/web", "owner: shop"]);
    assert_eq!(world.object("configmap/web").await["metadata"]["labels"]["nprt.dev/service"], "shop");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_over_is_neither_pruned_nor_changed_by_the_service_that_had_it() {
    let Some(world) = World::new("take-over").await else { return };
    let ours = world.process_of(Service { prune: true, ..Service::new(shop()) }).await;
    ours.deploy(&world.commit(&manifests(1, ""))).await.accepted();
    let theirs = world.process_of(Service { take_over: [shop()].into(), ..other() }).await;
    let done = theirs.deploy(&world.commit(SHARED)).await.accepted();
    let said = done.warnings.iter().any(|warning| warning.contains("is taken over from the service shop"));
    assert!(said, "{done:?}");
    ours.deploy(&world.commit(&manifests(2, ""))).await.refused_with(&["owner: other", "/web"]);
    let without =
        manifests(2, "").replace("kind: ConfigMap", "kind: Secret").replace("\ndata:", "\nstringData:");
    ours.deploy(&world.commit(&without.replace("configMapRef", "secretRef"))).await.accepted();
    let live = world.object("configmap/web").await;
    assert_eq!(live["data"]["n"], "7");
    assert_eq!(live["metadata"]["labels"]["nprt.dev/service"], "other");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_over_it_is_refused_too() {
    let Some(world) = World::new("owner-canary").await else { return };
    world.process_of(other()).await.deploy(&world.commit(SHARED)).await.accepted();
    let ours = world.process().await;
    let elsewhere = manifests(1, "").replacen("metadata: {name: web}", "metadata: {name: config}", 1);
    ours.deploy(
        &world.commit(&elsewhere.replace("configMapRef: {name: web}", "configMapRef: {name: config}")),
    )
    .await
    .accepted();
    ours.canary(&world.commit(&manifests(2, ""))).await.refused_with(&["/web", "owner: other"]);
    assert!(world.items("deployments", "track=canary").await.is_empty());
}
