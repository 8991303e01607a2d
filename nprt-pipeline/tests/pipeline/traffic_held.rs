//! Routes whose rules somebody else writes while a canary runs: nothing is forced on them, and the canary goes all
//! the same.

use nprt_core::model::{Object, Track};
use nprt_manifest::Traffic;
use nprt_pipeline::{Event, Pipeline, Progress, Rollback};
use serde_json::{Value, json};

use crate::routes::{
    backends, both, check_route, commit, edit, everything, half, led, object, pipeline, pipeline_over, route,
    rules, stable, weight, world,
};
use crate::world::{World, caller, canary, deploy, request, shop, told};

/// A world with a canary to which a person's rules send; what there was before it.
async fn held(traffic: Traffic) -> (World, Pipeline, Vec<Object>) {
    let world = world();
    let pipeline = pipeline(&world, traffic);
    let before = stable(&world, &pipeline).await;
    canary(&pipeline, &commit(&world, 2, "")).await.unwrap();
    edit(&world, &half());
    (world, pipeline, before)
}

async fn rollback(pipeline: &Pipeline) -> Rollback {
    pipeline.rollback(&shop(), &caller(), &Progress::silent()).await.unwrap()
}

fn rules_now(world: &World) -> Value {
    route(world).as_value()["spec"]["rules"].clone()
}

/// The canary is gone, but for the Services, which lead to stable.
async fn check_rest(world: &World, pipeline: &Pipeline) {
    assert_eq!((rules_now(world), led(world)), (half(), both("stable")), "nothing was forced");
    assert_eq!(world.runs().len(), 2, "stable's workloads");
    assert_eq!(pipeline.status(&shop()).await.unwrap().canary, None);
    check_route(world);
}

#[tokio::test]
async fn a_rollback_leads_the_services_to_stable_before_the_canary_goes() {
    let (world, pipeline, before) = held(weight(5)).await;
    let (done, events) =
        told(async |progress| world.pipeline().rollback(&shop(), &caller(), &progress).await).await;
    let done = done.unwrap();
    check_rest(&world, &pipeline).await;
    assert_eq!((done.removed.len(), done.canary.is_some()), (3, true), "{done:?}");
    let [warning] = &done.warnings[..] else { panic!("{:?}", done.warnings) };
    let said = ["HTTPRoute/shop/shop", "Service/shop/web-canary", "Service/shop/web-stable", "kubectl-edit"];
    for said in said.iter().chain(&["Put the route's rules right"]) {
        assert!(warning.contains(said), "{said}: {warning}");
    }
    let at = |found: fn(&Event) -> bool| events.iter().position(found).unwrap();
    let led = at(|event| matches!(event, Event::Applied { object, .. } if object.name == "web-canary"));
    assert!(led < at(|event| matches!(event, Event::Removed { .. })), "{events:?}");
    assert!(events.iter().any(|event| matches!(event, Event::Warning { message } if message == warning)));

    // Another one, and tending, change nothing while the route is as it is.
    let written = world.objects();
    let again = rollback(&pipeline).await;
    assert_eq!((again.canary, again.removed.len(), again.warnings), (None, 0, done.warnings));
    let (tended, events) = told(async |progress| pipeline.tend(&shop(), &caller(), &progress).await).await;
    assert!(tended.is_ok() && events.is_empty(), "not even a lease: {events:?}");
    assert_eq!(world.objects(), written);
    assert!(pipeline.expire(&shop(), &caller(), &Progress::silent()).await.unwrap().is_none());

    edit(&world, &rules());
    pipeline.tend(&shop(), &caller(), &Progress::silent()).await.unwrap();
    assert_eq!(everything(&world), before);
}

#[tokio::test]
async fn while_somebody_else_owns_the_route_no_canary_starts() {
    let named = Traffic { http_route: Some("edge".to_owned()), ..weight(5) };
    let (world, pipeline, _) = held(weight(5)).await;
    rollback(&pipeline).await;
    let trial = commit(&world, 3, "");
    let before = everything(&world);
    let edge = json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": "edge"}, "spec": {"rules": rules()}});
    world.cluster.apply_as("nprt", &object(edge.clone())).unwrap();
    let another = pipeline_over(&world, named, world.ports());
    for pipeline in [&pipeline, &another] {
        let error = canary(pipeline, &trial).await.unwrap_err();
        let (said, silent) = (error.to_string(), Progress::silent());
        assert!(
            error.is_conflict() && said.contains("kubectl-edit") && said.contains("put its rules"),
            "{said}"
        );
        let preview = pipeline.preview(&shop(), &request(&trial), Track::Canary, &silent).await;
        assert_eq!(preview.unwrap_err().to_string(), said);
    }
    world.cluster.delete_as_person(&object(edge).id()).unwrap();
    assert_eq!(everything(&world), before);

    // Without traffic, too: its promotion would apply the manifests' own route.
    let error = canary(&world.pipeline(), &trial).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("spec.rules"), "{error}");
    assert_eq!(everything(&world), before);
    check_rest(&world, &pipeline).await;

    // Who wrote the rules still owns them, until the route is made anew.
    edit(&world, &rules());
    let error = canary(&pipeline, &trial).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("kubectl-edit"), "{error}");
    world.cluster.delete_as_person(&route(&world).id()).unwrap();
    deploy(&pipeline, &commit(&world, 1, "")).await.unwrap();
    canary(&pipeline, &trial).await.unwrap();
    assert_eq!(led(&world), both("canary"));
}

#[tokio::test]
async fn a_deploy_and_an_expiry_are_not_blocked() {
    for by in ["deploy", "expiry", "deploy after a rollback"] {
        let world = world();
        // Nobody's manifests have the route, so that a deploy does not apply it.
        let named = Traffic { http_route: Some("shop".to_owned()), ..weight(5) };
        let pipeline = pipeline(&world, named);
        let [first, second, third] = [1, 2, 3].map(|n| world.version(n));
        deploy(&pipeline, &first).await.unwrap();
        let own = json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
            "metadata": {"name": "shop"}, "spec": {"rules": rules()}});
        world.cluster.apply_as("nprt", &object(own)).unwrap();
        canary(&pipeline, &second).await.unwrap();
        edit(&world, &half());
        let silent = Progress::silent();
        let preview = pipeline.preview(&shop(), &request(&third), Track::Stable, &silent).await.unwrap();
        assert_eq!((preview.removed.len(), preview.warnings.len()), (3, 1), "{preview:?}");
        let warnings = match by {
            "expiry" => {
                world.wait(24 * 3600).await;
                let expired = pipeline.tend(&shop(), &caller(), &silent).await.unwrap().expired;
                expired.unwrap().warnings
            }
            "deploy" => deploy(&pipeline, &third).await.unwrap().warnings,
            _ => {
                rollback(&pipeline).await;
                deploy(&pipeline, &third).await.unwrap().warnings
            }
        };
        assert_eq!(warnings.len(), 1, "{by}: {warnings:?}");
        check_rest(&world, &pipeline).await;
        // A route that is deleted sends nowhere.
        world.cluster.delete_as_person(&route(&world).id()).unwrap();
        deploy(&pipeline, &third).await.unwrap();
        assert_eq!(led(&world), []);
    }
}

#[tokio::test]
async fn what_somebody_else_writes_stays_and_holds_just_what_it_sends_to() {
    let (world, pipeline, _) = held(weight(5)).await;
    let only = json!([{"backendRefs": [{"name": "web-stable", "port": 80}]}]);
    edit(&world, &only);
    assert_eq!(rollback(&pipeline).await.removed.len(), 4);
    assert_eq!((rules_now(&world), led(&world)), (only, both("stable")[1..].to_vec()));
    let theirs = json!([{"backendRefs": [{"name": "web", "port": 80, "weight": 9}]}]);
    edit(&world, &theirs);
    assert_eq!(rollback(&pipeline).await.removed.len(), 1);
    assert_eq!((rules_now(&world), backends(&world)), (theirs, vec![("web".to_owned(), 9)]));
    assert_eq!(route(&world).annotation("nprt.dev/rules-before"), None);
}

#[tokio::test]
async fn a_way_back_that_is_damaged_or_lost_blocks_no_rollback() {
    for damage in [Value::Null, json!("{}")] {
        let (world, pipeline, before) = held(weight(5)).await;
        let mut damaged = route(&world);
        damaged.as_value_mut()["metadata"]["annotations"]["nprt.dev/rules-before"] = damage;
        // As `kubectl replace` does.
        world.cluster.delete_as_person(&damaged.id()).unwrap();
        world.cluster.apply_as("kubectl-edit", &damaged).unwrap();
        assert_eq!(rollback(&pipeline).await.warnings.len(), 1);
        check_rest(&world, &pipeline).await;
        assert!(canary(&pipeline, &commit(&world, 3, "")).await.is_err());
        world.cluster.delete_as_person(&damaged.id()).unwrap();
        rollback(&pipeline).await;
        assert_eq!(everything(&world).len(), before.len() - 1, "all but the route");
    }
}

#[tokio::test]
async fn services_that_are_left_by_hand_go_with_their_route() {
    let world = world();
    let pipeline = pipeline(&world, weight(5));
    let before = stable(&world, &pipeline).await;
    canary(&pipeline, &commit(&world, 2, "")).await.unwrap();
    let canary = world.objects().into_iter().filter(|o| o.label("track") == Some("canary"));
    for object in canary.filter(|object| object.kind() != "Service") {
        world.cluster.delete_as_person(&object.id()).unwrap();
    }
    pipeline.tend(&shop(), &caller(), &Progress::silent()).await.unwrap();
    assert_eq!(everything(&world), before);
}
