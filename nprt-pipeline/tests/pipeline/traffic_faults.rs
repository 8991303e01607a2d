//! Routes that cannot be had, or that somebody else changes; processes that die while a route sends to a canary.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nprt_core::ErrorKind;
use nprt_manifest::Traffic;
use nprt_pipeline::{Ports, Progress};
use serde_json::json;

use crate::faulty::Faulty;
use crate::routes::{
    both, check_route, commit, edit, everything, half, led, object, pipeline, pipeline_over, route, rules,
    stable, weight, world,
};
use crate::world::{World, caller, canary, deploy, promote, shop};

#[tokio::test]
async fn a_canary_that_does_not_start_leaves_the_route_alone() {
    let world = world();
    let mut faulty = Faulty::new(&world);
    faulty.broken.get_mut().unwrap().insert("shop", 0);
    let faulty = Arc::new(faulty);
    let ports = Ports { cluster: faulty.clone(), ..world.ports() };
    let pipeline = pipeline_over(&world, weight(5), ports);
    let before = stable(&world, &pipeline).await;
    let written = route(&world);
    let error = canary(&pipeline, &commit(&world, 2, "crash-loop")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RolloutFailed, "{error}");
    assert_eq!((everything(&world), route(&world)), (before.clone(), written), "it was not even written");
    // The route itself cannot be written.
    faulty.broken.lock().unwrap().insert("shop", 99);
    let error = canary(&pipeline, &commit(&world, 2, "")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(everything(&world), before);
}

#[tokio::test]
async fn whatever_dies_at_any_write_never_leaves_a_route_to_what_is_gone() {
    for dies in [Dies::Canary, Dies::Rollback, Dies::HeldRollback, Dies::Promotion] {
        for writes in 0..60 {
            if !dies_after(dies, writes).await {
                assert!(writes >= 10, "{dies:?} has that many writes");
                break;
            }
            assert!(writes < 59, "it ends");
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Dies {
    Canary,
    Rollback,
    /// While somebody else's rules send to the canary.
    HeldRollback,
    Promotion,
}

/// Whether it died after so many half writes, and not at its end. The next rollback then finds its way.
async fn dies_after(what: Dies, writes: usize) -> bool {
    let world = world();
    let pipeline = pipeline(&world, weight(5));
    let before = stable(&world, &pipeline).await;
    let trial = commit(&world, 2, "");
    if what != Dies::Canary {
        canary(&pipeline, &trial).await.unwrap();
    }
    if what == Dies::HeldRollback {
        edit(&world, &half());
    }
    let mut faulty = Faulty::new(&world);
    faulty.writes = Some(AtomicUsize::new(writes));
    let faulty = Arc::new(faulty);
    let ports = Ports { cluster: faulty.clone(), ..world.ports() };
    let dies = pipeline_over(&world, weight(5), ports);
    let work = tokio::spawn(async move {
        match what {
            Dies::Canary => drop(canary(&dies, &trial).await),
            Dies::Rollback | Dies::HeldRollback => {
                drop(dies.rollback(&shop(), &caller(), &Progress::silent()).await);
            }
            Dies::Promotion => drop(promote(&dies, &trial).await),
        }
    });
    while !work.is_finished() && !faulty.reached.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    work.abort();
    check_route(&world);
    world.wait(60).await;
    let rollback = world.pipeline().rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
    check_route(&world);
    if what == Dies::HeldRollback {
        assert_eq!((rollback.warnings.len(), led(&world)), (1, both("stable")), "{rollback:?}");
        edit(&world, &rules());
        world.pipeline().tend(&shop(), &caller(), &Progress::silent()).await.unwrap();
    }
    let (route, after) = (route(&world), everything(&world));
    assert_eq!(route.as_value()["spec"]["rules"], rules(), "{what:?} after {writes} half writes");
    assert_eq!(after.len(), before.len(), "nothing of a canary is left: {after:?}");
    assert!(what == Dies::Promotion || after == before, "{what:?} after {writes} half writes");
    faulty.reached.load(Ordering::SeqCst)
}

#[tokio::test]
async fn what_cannot_be_is_said_before_anything_changes() {
    let (without, with) = (World::new(), world());
    let named = |name: &str| Traffic { http_route: Some(name.to_owned()), ..weight(5) };
    deploy(&without.pipeline(), &without.version(1)).await.unwrap();
    let error = canary(&pipeline(&without, named("shop")), &without.version(2)).await.unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("does not know this kind"), "{error}");

    let before = stable(&with, &pipeline(&with, weight(5))).await;
    let trial = commit(&with, 2, "");
    let start = async |traffic: Traffic| canary(&pipeline(&with, traffic), &trial).await.unwrap_err();
    let error = start(named("shpo")).await;
    assert!(error.is_not_found() && error.to_string().contains("available: shop"), "{error}");
    let error = start(weight(101)).await;
    assert!(error.is_invalid() && error.to_string().contains("canary.traffic.weight"), "{error}");
    let error = start(Traffic::default()).await;
    assert!(error.is_invalid() && error.to_string().contains("canary.traffic"), "{error}");
    let docs = json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": "docs"}, "spec": {"rules": [{"backendRefs": [{"name": "docs", "port": 80}]}]}});
    with.cluster.apply_as("kubectl", &object(docs)).unwrap();
    let error = start(named("docs")).await;
    assert!(error.is_invalid() && error.to_string().contains("sends to: docs"), "{error}");
    let taken = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web-stable"},
        "spec": {"selector": {"app": "other"}, "ports": [{"port": 80}]}});
    let taken = object(taken);
    with.cluster.apply_as("nprt", &taken).unwrap();
    let error = start(weight(5)).await;
    assert!(error.is_invalid() && error.to_string().contains("Service/shop/web-stable"), "{error}");
    with.cluster.delete_as_person(&taken.id()).unwrap();
    edit(&with, &json!([{"backendRefs": [{"name": "web", "port": 80, "weight": 2}]}]));
    let error = start(weight(5)).await;
    assert!(error.is_conflict() && error.to_string().contains("kubectl-edit"), "{error}");
    edit(&with, &rules());
    let after = everything(&with);
    assert!(before.iter().all(|object| after.contains(object)), "nothing was changed");
    assert_eq!(after.len(), before.len() + 1, "the route to the docs");

    let none = World::new();
    deploy(&none.pipeline(), &none.version(1)).await.unwrap();
    let error = canary(&pipeline(&none, weight(5)), &none.version(2)).await.unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("no HTTPRoute of the service"), "{error}");
}

#[tokio::test]
async fn a_canary_that_a_person_deletes_takes_no_requests_with_it() {
    for named in [false, true] {
        let world = world();
        let traffic = Traffic { http_route: named.then(|| "shop".to_owned()), ..weight(5) };
        let pipeline = pipeline(&world, traffic);
        let before = stable(&world, &pipeline).await;
        for heals in ["tend", "rollback", "deploy"] {
            canary(&pipeline, &commit(&world, 2, "")).await.unwrap();
            for object in world.objects().iter().filter(|o| o.label("track") == Some("canary")) {
                world.cluster.delete_as_person(&object.id()).unwrap();
            }
            let silent = Progress::silent();
            match heals {
                "tend" => _ = pipeline.tend(&shop(), &caller(), &silent).await.unwrap(),
                "rollback" => _ = pipeline.rollback(&shop(), &caller(), &silent).await.unwrap(),
                _ => _ = deploy(&pipeline, &commit(&world, 1, "")).await.unwrap(),
            }
            check_route(&world);
            assert_eq!(route(&world).as_value()["spec"]["rules"], rules(), "{heals}");
            assert_eq!(route(&world).annotation("nprt.dev/rules-before"), None, "{heals}");
        }
        assert_eq!(everything(&world).len(), before.len());
    }
}

#[tokio::test]
async fn a_service_without_pods_of_stable_is_no_half_of_a_route() {
    let world = world();
    let pipeline = pipeline(&world, weight(5));
    stable(&world, &pipeline).await;
    // Stable's pods are on no track.
    let mut web = world.objects().into_iter().find(|o| o.kind() == "Deployment").unwrap();
    web.as_value_mut()["spec"]["template"]["metadata"]["labels"]["nprt.dev/track"] = json!("other");
    world.cluster.apply_as("nprt", &web).unwrap();
    let error = canary(&pipeline, &commit(&world, 2, "")).await.unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("Service/shop/web"), "{error}");
}
