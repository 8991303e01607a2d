//! A world in memory whose cluster knows HTTPRoutes.

use std::collections::BTreeSet;

use nprt_core::model::{Object, Revision};
use nprt_manifest::Traffic;
use nprt_pipeline::{Pipeline, PipelineSettings, Ports, Service};
use serde_json::{Value, json};

use crate::world::{World, deploy, manifests, shop};

pub(crate) fn object(value: Value) -> Object {
    Object::new(value).unwrap()
}

/// A world whose cluster knows HTTPRoutes, and a pipeline by whose settings a canary gets requests so.
pub(crate) fn world() -> World {
    let world = World::new();
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "httproutes.gateway.networking.k8s.io"}, "spec": {"scope": "Namespaced",
        "group": "gateway.networking.k8s.io", "names": {"kind": "HTTPRoute", "plural": "httproutes"}}});
    world.cluster.apply_as("kubectl", &object(definition)).unwrap();
    world
}

pub(crate) fn pipeline_over(world: &World, traffic: Traffic, ports: Ports) -> Pipeline {
    let mut service = Service::new(shop());
    service.transform.canary.traffic = Some(traffic);
    let pipeline = Pipeline::new("test", world.clock.clone(), PipelineSettings::default()).unwrap();
    pipeline.with_service(service, ports).unwrap()
}

pub(crate) fn pipeline(world: &World, traffic: Traffic) -> Pipeline {
    pipeline_over(world, traffic, world.ports())
}

pub(crate) fn weight(weight: u8) -> Traffic {
    Traffic { weight: Some(weight), ..Traffic::default() }
}

pub(crate) fn rules() -> Value {
    json!([{"backendRefs": [{"name": "web", "port": 80}]}, {"backendRefs": [{"name": "docs", "port": 80}]}])
}

/// Version `n`, whose pods behave so, with a route to its Service and another one.
pub(crate) fn commit(world: &World, n: u32, behaviour: &str) -> Revision {
    let route = json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": "shop", "annotations": {"team": "shop"}}, "spec": {"rules": rules()}});
    let revision = world.commit(&format!("{}---\n{route}\n", manifests(n, behaviour)));
    world.push(&revision);
    revision
}

/// A stable version; what is in the cluster then.
pub(crate) async fn stable(world: &World, pipeline: &Pipeline) -> Vec<Object> {
    deploy(pipeline, &commit(world, 1, "")).await.unwrap();
    everything(world)
}

/// All objects, without what grows with each write.
pub(crate) fn everything(world: &World) -> Vec<Object> {
    let mut all = world.objects();
    for object in &mut all {
        for field in ["resourceVersion", "generation"] {
            object.as_value_mut()["metadata"][field] = Value::Null;
        }
    }
    all
}

pub(crate) fn route(world: &World) -> Object {
    world.objects().into_iter().find(|object| object.kind() == "HTTPRoute").unwrap()
}

pub(crate) fn backends(world: &World) -> Vec<(String, u64)> {
    let route = route(world);
    let backends = route.as_value()["spec"]["rules"][0]["backendRefs"].as_array().unwrap().clone();
    let backend =
        |one: &Value| (one["name"].as_str().unwrap().to_owned(), one["weight"].as_u64().unwrap_or(1));
    backends.iter().map(backend).collect()
}

/// What the route's first rule sends to, of which nothing is gone: neither a Service nor the pods of its track.
pub(crate) fn check_route(world: &World) {
    let objects = world.objects();
    let services: BTreeSet<&str> =
        objects.iter().filter(|object| object.kind() == "Service").map(Object::name).collect();
    for (name, _) in backends(world) {
        assert!(services.contains(name.as_str()), "the route sends to {name}, which is gone: {services:?}");
    }
    for (name, track) in led(world) {
        let sends = backends(world).iter().any(|(backend, weight)| *backend == name && *weight > 0);
        let runs = |object: &Object| object.kind() == "Deployment" && object.label("track") == Some(&track);
        assert!(!sends || objects.iter().any(runs), "{name} leads to pods of {track}, which are gone");
    }
}

/// The canary's Services, and the track to whose pods each leads.
pub(crate) fn led(world: &World) -> Vec<(String, String)> {
    let objects = world.objects().into_iter();
    let services = objects.filter(|o| o.kind() == "Service" && o.label("track") == Some("canary"));
    let track = |o: &Object| o.as_value()["spec"]["selector"]["nprt.dev/track"].as_str().unwrap().to_owned();
    services.map(|service| (service.name().to_owned(), track(&service))).collect()
}

/// [`led`] where the one of the canary leads so.
pub(crate) fn both(canary: &str) -> Vec<(String, String)> {
    let pair = [("web-canary", canary), ("web-stable", "stable")];
    pair.map(|(name, track)| (name.to_owned(), track.to_owned())).into()
}

/// Rules by which the canary gets half of the requests, as a person may write them.
pub(crate) fn half() -> Value {
    json!([{"backendRefs": [{"name": "web-stable", "port": 80}, {"name": "web-canary", "port": 80}]}])
}

/// As a person does with `kubectl edit`.
pub(crate) fn edit(world: &World, rules: &Value) {
    let mut edited = route(world);
    edited.as_value_mut()["metadata"] = json!({"name": "shop", "namespace": "shop"});
    edited.as_value_mut()["spec"] = json!({"rules": rules});
    world.cluster.apply_as("kubectl-edit", &edited).unwrap();
}

pub(crate) fn split(stable: u64, canary: u64) -> Vec<(String, u64)> {
    vec![("web-stable".to_owned(), stable), ("web-canary".to_owned(), canary)]
}
