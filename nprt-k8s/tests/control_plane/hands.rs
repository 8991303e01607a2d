//! An object that another service took in between is not ours to change.

use nprt_core::model::Object;
use nprt_core::ports::{Cluster, Takeover};
use serde_json::json;

use crate::world::{World, object, request, with};

fn config(service: Option<&str>) -> Object {
    let config =
        object(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shared", "labels": {}},
        "data": {"a": service}}));
    match service {
        Some(service) => with(config, "/metadata/labels", json!({"nprt.dev/service": service})),
        None => config,
    }
}

fn names_both<T: std::fmt::Debug>(answer: nprt_core::Result<T>) {
    let error = answer.unwrap_err();
    let text = error.to_string();
    assert!(error.is_conflict() && text.contains("\"cart\"") && text.contains("\"other\""), "{error}");
}

#[tokio::test]
async fn what_another_service_took_in_between_is_a_conflict_and_stays_theirs() {
    let Some(world) = World::new("hands").await else { return };
    let lease = world.lease("cart").await;
    let another = world.another().await;
    let theirs = another.acquire(&request("other", "another test", Takeover::WhenExpired)).await.unwrap();
    let ours = config(Some("cart"));

    // Nothing was there for the dry run.
    world.cluster.dry_run(&ours).await.unwrap();
    let taken = another.apply(&theirs, &config(Some("other"))).await.unwrap().object;
    names_both(world.cluster.apply(&lease, &ours).await);
    names_both(world.cluster.delete(&lease, &ours.id()).await);
    names_both(world.cluster.restore(&lease, &ours).await);
    let live = world.cluster.get(&ours.id()).await.unwrap().unwrap();
    assert_eq!(
        live.as_value()["metadata"]["resourceVersion"],
        taken.as_value()["metadata"]["resourceVersion"]
    );
    another.delete(&theirs, &ours.id()).await.unwrap();

    // It was ours when it was read.
    world.cluster.apply(&lease, &ours).await.unwrap();
    let former = world.cluster.owned(&ours.id()).await.unwrap().unwrap();
    let next = with(ours.clone(), "/data", json!({"a": "next"}));
    world.cluster.dry_run(&next).await.unwrap();
    another.dry_run(&config(Some("other"))).await.unwrap();
    another.apply(&theirs, &config(Some("other"))).await.unwrap();
    names_both(world.cluster.apply(&lease, &next).await);
    names_both(world.cluster.restore(&lease, &former).await);
    names_both(world.cluster.delete(&lease, &ours.id()).await);
    let live = world.cluster.get(&ours.id()).await.unwrap().unwrap();
    assert_eq!(live.as_value()["data"], json!({"a": "other"}));
}

#[tokio::test]
async fn an_object_of_no_service_or_one_that_was_read_as_anothers_may_be_taken() {
    let Some(world) = World::new("hands-free").await else { return };
    let lease = world.lease("cart").await;
    world.admin_with_input(&["create", "-f", "-"], &config(None).as_value().to_string()).await;
    let dry = world.cluster.dry_run(&config(Some("cart"))).await.unwrap();
    assert_eq!(dry.adopts, ["kubectl-create"]);
    world.cluster.apply(&lease, &config(Some("cart"))).await.unwrap();
    // Whether it may be taken from another service is decided by who saw in the dry run whose it is.
    let theirs = world.lease("other").await;
    let dry = world.cluster.dry_run(&config(Some("other"))).await.unwrap();
    assert_eq!(dry.before.unwrap().label("nprt.dev/service"), Some("cart"));
    world.cluster.apply(&theirs, &config(Some("other"))).await.unwrap();
}
