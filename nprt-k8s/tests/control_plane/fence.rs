//! What becomes of the writes of one who lost the lease.

use std::time::Duration;

use futures_util::future::join;
use nprt_core::model::{Object, ServiceName, annotation};
use nprt_core::ports::{Change, Cluster, Takeover, Transition};
use serde_json::json;

use crate::world::{World, deployment, object, request, with};

fn config(name: &str, value: &str) -> Object {
    object(json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"nprt.dev/service": "cart"}}, "data": {"a": value}}))
}

async fn epoch(world: &World, object: &Object) -> Option<u64> {
    let live = world.cluster.get(&object.id()).await.unwrap()?;
    Some(live.annotation(annotation::EPOCH)?.parse().unwrap())
}

fn version(object: &Object) -> &serde_json::Value {
    &object.as_value()["metadata"]["resourceVersion"]
}

/// It has just been told that the lease is its own, and has read every object: no request of its own tells it
/// that this is over before it writes.
#[tokio::test]
async fn the_server_refuses_what_was_built_before_the_lease_was_lost() {
    let Some(world) = World::new("fence").await else { return };
    let (late, next) = (&world.cluster, world.another().await);
    let held = world.lease("cart").await;
    let good = deployment("cart");
    for object in [&good, &config("cart", "1")] {
        late.apply(&held, object).await.unwrap();
    }
    late.list(&held.service).await.unwrap();
    late.renew(&held).await.unwrap();
    let taken = next.acquire(&request("cart", "next", Takeover::Now)).await.unwrap();
    let image = "/spec/template/spec/containers/0/image";
    for object in [with(good.clone(), image, json!("registry.invalid/app:2")), config("cart", "2")] {
        let error = late.apply(&held, &object).await.unwrap_err();
        assert!(error.is_conflict() && error.to_string().contains("next"), "{error}");
        let live = world.cluster.get(&object.id()).await.unwrap().unwrap();
        assert_ne!(live.as_value().pointer(image), Some(&json!("registry.invalid/app:2")));
        assert_ne!(live.as_value().pointer("/data/a"), Some(&json!("2")));
        assert_eq!(epoch(&world, &object).await, Some(taken.epoch));
    }
    for object in [&good, &config("cart", "1")] {
        assert!(late.delete(&held, &object.id()).await.unwrap_err().is_conflict());
        assert!(late.restore(&held, object).await.unwrap_err().is_conflict());
        assert_eq!(next.apply(&taken, object).await.unwrap().change, Change::Unchanged, "it is as it was");
    }
    assert!(late.apply(&held, &config("new", "1")).await.unwrap_err().is_conflict());
    assert_eq!(epoch(&world, &config("new", "1")).await, None, "it was not made");
}

#[tokio::test]
async fn what_is_made_while_the_lease_is_lost_is_the_next_holders_or_gone() {
    let Some(world) = World::new("made").await else { return };
    let next = world.another().await;
    let mut late = 0;
    for round in 0..30 {
        let held = world.cluster.acquire(&request("cart", "late", Takeover::Now)).await.unwrap();
        let made = config(&format!("made-{round}"), "1");
        let begin = async {
            tokio::time::sleep(Duration::from_millis(round)).await;
            world.cluster.apply(&held, &made).await
        };
        let take = request("cart", "next", Takeover::Now);
        let (done, taken) = join(begin, next.acquire(&take)).await;
        let taken = taken.unwrap();
        assert!(world.cluster.renew(&held).await.unwrap_err().is_conflict());
        match epoch(&world, &made).await {
            Some(epoch) => assert_eq!(epoch, taken.epoch, "round {round}: {done:?}"),
            None => late += 1,
        }
    }
    assert!(late > 0, "in no round was the lease lost first");
}

#[tokio::test]
async fn only_a_lease_that_was_not_given_back_in_order_changes_objects() {
    let Some(world) = World::new("order").await else { return };
    let other = world.another().await;
    let held = world.lease("cart").await;
    world.cluster.apply(&held, &deployment("cart")).await.unwrap();
    world.cluster.apply(&held, &config("cart", "1")).await.unwrap();
    world.cluster.release(&held).await.unwrap();
    let workload = world.cluster.get(&deployment("cart").id()).await.unwrap().unwrap();
    let before = world.cluster.get(&config("cart", "1").id()).await.unwrap().unwrap();
    let clean = other.acquire(&request("cart", "clean", Takeover::WhenExpired)).await.unwrap();
    let after = world.cluster.get(&config("cart", "1").id()).await.unwrap().unwrap();
    assert_eq!(version(&before), version(&after), "it was given back");
    world.cluster.acquire(&request("cart", "unclean", Takeover::Now)).await.unwrap();
    let fenced = world.cluster.get(&config("cart", "1").id()).await.unwrap().unwrap();
    assert_ne!(version(&after), version(&fenced));
    assert!(other.renew(&clean).await.unwrap_err().is_conflict());
    let live = world.cluster.get(&deployment("cart").id()).await.unwrap().unwrap();
    assert_ne!(version(&live), version(&workload));
    assert_eq!(live.as_value()["spec"], workload.as_value()["spec"], "no pod is replaced");
}

/// A person deletes the Lease: nothing is known of the holders before, but from the objects.
#[tokio::test]
async fn a_new_lease_goes_on_where_the_objects_are() {
    let Some(world) = World::new("anew").await else { return };
    for _ in 0..3 {
        world.cluster.acquire(&request("cart", "many", Takeover::Now)).await.unwrap();
    }
    let held = world.cluster.acquire(&request("cart", "held", Takeover::Now)).await.unwrap();
    world.cluster.apply(&held, &config("cart", "1")).await.unwrap();
    world.admin(&["delete", "lease", "nprt-cart"]).await;
    let error = world.cluster.renew(&held).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("deleted"), "{error}");
    let next = world.another().await;
    let anew = next.acquire(&request("cart", "anew", Takeover::WhenExpired)).await.unwrap();
    assert!(anew.epoch > held.epoch && anew.transition.is_some(), "{anew:?}");
    assert_eq!(next.apply(&anew, &config("cart", "2")).await.unwrap().change, Change::Configured);
    assert!(world.cluster.apply(&held, &config("cart", "3")).await.unwrap_err().is_conflict());
    let listed = next.list(&ServiceName::new("cart").unwrap()).await.unwrap();
    assert_eq!(listed.len(), 1, "the kinds are known from the objects");
}

/// What a deploy records has no label of the service: whoever takes the lease finds it by the Lease.
#[tokio::test]
async fn a_record_made_too_late_is_taken_back_unless_the_next_holder_may_need_it() {
    let Some(world) = World::new("record").await else { return };
    let next = world.another().await;
    for is_changing in [true, false] {
        let held = world.cluster.acquire(&request("cart", "late", Takeover::Now)).await.unwrap();
        let change =
            Transition { from: "1".to_owned(), to: "2".to_owned(), back: false, records: Vec::new() };
        world.cluster.set_transition(&held, Some(change)).await.unwrap();
        let name = format!("record-{is_changing}");
        let record = object(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}));
        world.cluster.apply(&held, &record).await.unwrap();
        let taken = next.acquire(&request("cart", "next", Takeover::Now)).await.unwrap();
        if !is_changing {
            next.set_transition(&taken, None).await.unwrap();
            next.release(&taken).await.unwrap();
        }
        assert!(world.cluster.renew(&held).await.unwrap_err().is_conflict());
        assert_eq!(world.cluster.get(&record.id()).await.unwrap().is_some(), is_changing);
    }
}
