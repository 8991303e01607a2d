//! Requests to a canary by HTTPRoutes.

use nprt_core::model::Track;
use nprt_core::ports::Change;
use nprt_manifest::Traffic;
use nprt_pipeline::{Event, Progress};
use serde_json::json;

use crate::routes::{
    backends, check_route, commit, everything, object, pipeline, pipeline_over, route, rules, split, stable,
    weight, world,
};
use crate::world::{World, caller, canary, deploy, promote, request, shop, told};

#[tokio::test]
async fn a_route_sends_its_part_once_the_pods_are_ready_and_goes_back_first() {
    let world = world();
    let pipeline = pipeline(&world, weight(5));
    let before = stable(&world, &pipeline).await;
    let trial = commit(&world, 2, "");
    let silent = Progress::silent();
    let preview = pipeline.preview(&shop(), &request(&trial), Track::Canary, &silent).await.unwrap();
    let route_then = preview.objects.iter().find(|one| one.object.kind == "HTTPRoute").unwrap();
    assert_eq!((route_then.change, preview.objects.len()), (Change::Configured, 6));
    assert_eq!(everything(&world), before);
    let (done, events) =
        told(async |progress| pipeline.canary(&shop(), &request(&trial), &progress).await).await;
    let done = done.unwrap();
    assert_eq!((backends(&world), done.withheld.len()), (split(95, 5), 1), "the ConfigMap waits: {done:?}");
    check_route(&world);
    let is_route =
        |event: &Event| matches!(event, Event::Applied { object, .. } if object.kind == "HTTPRoute");
    let at = events.iter().position(is_route).unwrap();
    assert!(events[at..].iter().all(|event| !matches!(event, Event::Rollout { .. })), "{events:?}");
    let objects = world.objects();
    for (name, track) in [("web-stable", "stable"), ("web-canary", "canary")] {
        let service = objects.iter().find(|o| o.kind() == "Service" && o.name() == name).unwrap();
        assert_eq!(service.as_value()["spec"]["selector"], json!({"app": "web", "nprt.dev/track": track}));
        assert_eq!(service.label("nprt.dev/track"), Some("canary"), "it goes with the canary");
    }

    // Asked again nothing is written; with another weight the trial goes on.
    let written = world.objects();
    let again = canary(&pipeline, &trial).await.unwrap();
    assert!(again.applied.iter().all(|applied| applied.change == Change::Unchanged), "{again:?}");
    assert_eq!(world.objects(), written);
    let more = pipeline_over(&world, weight(50), world.ports());
    let again = canary(&more, &trial).await.unwrap();
    let changed = again.applied.iter().filter(|applied| applied.change != Change::Unchanged);
    assert_eq!(changed.map(|applied| applied.object.kind.as_str()).collect::<Vec<_>>(), ["HTTPRoute"]);
    assert_eq!((backends(&world), again.removed.len()), (split(50, 50), 0));

    // A pipeline without the setting knows from the objects what to put back.
    let (done, events) =
        told(async |progress| world.pipeline().rollback(&shop(), &caller(), &progress).await).await;
    assert_eq!(done.unwrap().removed.len(), 5, "two workloads, two Services, a copy of configuration");
    assert_eq!(everything(&world), before, "exactly");
    let back = events.iter().position(|event| matches!(event, Event::PutBack { .. })).unwrap();
    assert!(events[..back].iter().all(|event| !matches!(event, Event::Removed { .. })), "{events:?}");
}

#[tokio::test]
async fn promotion_replacement_and_expiry_leave_the_route_as_the_manifests_have_it() {
    let world = world();
    let pipeline = pipeline(&world, Traffic { mirror: true, ..weight(10) });
    stable(&world, &pipeline).await;
    let versions = [2, 3, 4].map(|n| commit(&world, n, ""));
    canary(&pipeline, &versions[0]).await.unwrap();
    let mirror = json!([{"type": "RequestMirror",
        "requestMirror": {"backendRef": {"name": "web-canary", "port": 80}}}]);
    assert_eq!(route(&world).as_value()["spec"]["rules"][0]["filters"], mirror);
    let done = canary(&pipeline, &versions[1]).await.unwrap();
    assert_eq!((done.removed.len(), backends(&world)), (5, split(90, 10)));
    promote(&pipeline, &versions[1]).await.unwrap();
    let is_back = |world: &World| {
        let route = route(world);
        assert_eq!(
            (&route.as_value()["spec"]["rules"], route.annotation("nprt.dev/rules-before")),
            (&rules(), None)
        );
        assert_eq!(world.objects().len(), 6, "nothing of the canary is left");
    };
    is_back(&world);
    canary(&pipeline, &versions[2]).await.unwrap();
    world.wait(24 * 3600).await;
    assert!(pipeline.tend(&shop(), &caller(), &Progress::silent()).await.unwrap().expired.is_some());
    is_back(&world);
    canary(&pipeline, &versions[2]).await.unwrap();
    deploy(&pipeline, &versions[0]).await.unwrap();
    is_back(&world);
}

#[tokio::test]
async fn a_route_that_is_named_may_be_anybodys_and_goes_back_too() {
    let world = world();
    let named = |name: &str| Traffic { http_route: Some(name.to_owned()), ..weight(20) };
    let pipeline = pipeline(&world, named("edge"));
    // The manifests have another.
    deploy(&pipeline, &commit(&world, 1, "")).await.unwrap();
    let edge = object(json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": "edge"}, "spec": {"rules": rules()}}));
    world.cluster.apply_as("nprt", &edge).unwrap();
    let before = everything(&world);
    let rules_of = |world: &World, name: &str| {
        let objects = world.objects();
        let route = objects.iter().find(|o| o.kind() == "HTTPRoute" && o.name() == name).unwrap();
        route.as_value()["spec"]["rules"].clone()
    };
    let trial = commit(&world, 2, "");
    canary(&pipeline, &trial).await.unwrap();
    assert_eq!(rules_of(&world, "shop"), rules());
    assert_eq!(rules_of(&world, "edge")[0]["backendRefs"][0]["name"], "web-stable");
    // Another route is another canary: the first goes back.
    let done = canary(&pipeline_over(&world, named("shop"), world.ports()), &trial).await.unwrap();
    assert_eq!(done.removed.len(), 5);
    assert_eq!(
        (rules_of(&world, "edge"), rules_of(&world, "shop")[0]["backendRefs"][1]["weight"].clone()),
        (rules(), json!(20))
    );
    world.pipeline().rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
    assert_eq!(everything(&world), before);
}
