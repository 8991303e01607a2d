//! An object belongs to the one service that its label names.

use std::collections::BTreeSet;
use std::sync::Arc;

use nprt_core::model::{Object, ObjectId, ServiceName, Track};
use nprt_pipeline::{Pipeline, Progress, Service};
use serde_json::json;

use super::world::{World, caller, request, shop};

/// The pipeline of a second service, which has the same manifests.
fn other(world: &World, take_over: BTreeSet<ServiceName>) -> (ServiceName, Arc<Pipeline>) {
    let name = ServiceName::new("other").unwrap();
    let service = Service { take_over, prune: true, ..Service::new(name.clone()) };
    (name, world.pipeline_of(service, world.ports()))
}

fn owner(world: &World, id: &str) -> Option<String> {
    let is_it = |object: &Object| format!("{}/{}", object.kind(), object.name()) == id;
    let object = world.objects().into_iter().find(is_it)?;
    object.label("nprt.dev/service").map(str::to_owned)
}

#[tokio::test]
async fn another_services_object_is_a_conflict_that_names_both() {
    let world = World::new();
    let first = world.version(1);
    let ours = world.pipeline();
    ours.deploy(&shop(), &request(&first), &Progress::silent()).await.unwrap();
    let before = world.objects();
    let (name, theirs) = other(&world, BTreeSet::new());
    let deploy = theirs.deploy(&name, &request(&first), &Progress::silent()).await.unwrap_err();
    let canary = theirs.canary(&name, &request(&first), &Progress::silent()).await.unwrap_err();
    let preview =
        theirs.preview(&name, &request(&first), Track::Stable, &Progress::silent()).await.unwrap_err();
    for error in [deploy, canary, preview] {
        let text = error.to_string();
        assert!(error.is_conflict(), "{text}");
        for part in ["service: other", "owner: shop", "`take_over`", "kubernetes/shop.yaml"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    assert_eq!(world.objects(), before);
}

#[tokio::test]
async fn a_service_takes_over_what_its_settings_say() {
    let world = World::new();
    let first = world.version(1);
    let ours = world.pipeline();
    ours.deploy(&shop(), &request(&first), &Progress::silent()).await.unwrap();
    let (name, theirs) = other(&world, BTreeSet::from([shop()]));
    let done = theirs.deploy(&name, &request(&first), &Progress::silent()).await.unwrap();
    let warning = "Deployment/shop/web: is taken over from the service shop";
    assert!(done.warnings.contains(&warning.to_owned()), "{done:?}");
    assert_eq!(owner(&world, "Deployment/web").as_deref(), Some("other"));
    // The other way round it is a conflict now, and nothing is pruned or undone that was given away.
    let error = ours.deploy(&shop(), &request(&world.version(2)), &Progress::silent()).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("owner: other"), "{error}");
}

#[tokio::test]
async fn what_was_given_away_is_not_pruned() {
    let world = World::new();
    let ours = world.pipeline_of(Service { prune: true, ..Service::new(shop()) }, world.ports());
    ours.deploy(&shop(), &request(&world.version(1)), &Progress::silent()).await.unwrap();
    let given = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "labels": {"nprt.dev/service": "other"}}});
    world.cluster.apply_as("nprt-other", &Object::new(given).unwrap()).unwrap();
    let without = world.commit(&super::world::manifests(1, "").replace("kind: ConfigMap", "kind: Secret"));
    world.push(&without);
    ours.deploy(&shop(), &request(&without), &Progress::silent()).await.unwrap();
    assert_eq!(owner(&world, "ConfigMap/web").as_deref(), Some("other"));
    let id = ObjectId {
        api_version: "v1".to_owned(),
        kind: "Secret".to_owned(),
        namespace: None,
        name: "web".to_owned(),
    };
    assert!(world.cluster.objects().iter().any(|object| object.kind() == id.kind));
}

#[tokio::test]
async fn an_undo_leaves_alone_what_another_service_has_taken_over() {
    let world = World::new();
    let (_, second) = super::interrupted::interrupted(&world, 200).await;
    let given = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "web", "labels": {"nprt.dev/service": "other"}}, "data": {"n": "9"}});
    world.cluster.apply_as("nprt", &Object::new(given).unwrap()).unwrap();
    let done = world.pipeline().tend(&shop(), &caller(), &Progress::silent()).await.unwrap();
    assert!(done.undone.is_some_and(|undone| undone.contains(&second.short())), "the rest goes back");
    assert_eq!(owner(&world, "ConfigMap/web").as_deref(), Some("other"));
    let is_config = |object: &&Object| object.kind() == "ConfigMap" && object.name() == "web";
    assert_eq!(world.objects().iter().find(is_config).unwrap().as_value()["data"]["n"], "9");
}
