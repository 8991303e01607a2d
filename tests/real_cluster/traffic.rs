//! Requests to a canary by an HTTPRoute, as the API server has it at each step. No gateway acts on it.

use std::sync::Arc;

use nprt::manifest::Traffic;
use nprt::model::Revision;
use nprt::pipeline::Service;
use nprt_testkit::AuditedRequest;
use serde_json::{Value, json};

use crate::world::{Process, World, manifests, shop};

/// A world whose cluster knows HTTPRoutes.
async fn world(name: &str) -> Option<Arc<World>> {
    let world = World::new(name).await?;
    world.plane.install_http_routes().await.unwrap();
    Some(world)
}

async fn process(world: &World, traffic: Traffic) -> Arc<Process> {
    let mut service = Service::new(shop());
    service.transform.canary.traffic = Some(traffic);
    world.process_of(service).await
}

fn named(name: &str) -> Traffic {
    Traffic { http_route: Some(name.to_owned()), ..Traffic::default() }
}

/// A route to the Service of web.
fn route(name: &str, port: u16) -> Value {
    let matches = json!([{"path": {"type": "PathPrefix", "value": "/shop"}}]);
    json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": name, "annotations": {"team": "shop"}},
        "spec": {"parentRefs": [{"name": "edge"}], "hostnames": ["shop.example.com"], "rules": [
            {"matches": matches, "backendRefs": [{"name": "web", "port": port}]}]}})
}

/// Version `n` with a route of its own.
fn commit(world: &World, n: usize) -> Revision {
    world.commit(&format!("{}---\n{}\n", manifests(n, ""), route("shop", 80)))
}

async fn get(world: &World, kind: &str, name: &str) -> Value {
    serde_json::from_str(&world.kubectl(&["get", kind, name, "-o", "json"]).await).unwrap()
}

/// What a person sees of a route, without what grows with each write.
async fn seen(world: &World, name: &str) -> Value {
    let mut route = get(world, "httproute", name).await;
    for field in ["resourceVersion", "generation", "managedFields"] {
        route["metadata"][field].take();
    }
    route
}

async fn backends(world: &World, name: &str) -> Vec<(String, u64)> {
    let route = get(world, "httproute", name).await;
    let backends = route["spec"]["rules"][0]["backendRefs"].as_array().unwrap().clone();
    let backend = |one: &Value| (one["name"].as_str().unwrap().to_owned(), one["weight"].as_u64().unwrap());
    backends.iter().map(backend).collect()
}

fn split(stable: u64, canary: u64) -> Vec<(String, u64)> {
    vec![("web-stable".to_owned(), stable), ("web-canary".to_owned(), canary)]
}

/// The tracks of the pods to which a Service leads, by the controllers' EndpointSlices.
async fn endpoints(world: &World, service: &str, expected: &[&str]) {
    let label = format!("kubernetes.io/service-name={service}");
    let mut found = Vec::new();
    for _ in 0..300 {
        let slices = world.items("endpointslices", &label).await;
        let endpoints = slices.iter().filter_map(|slice| slice["endpoints"].as_array()).flatten();
        let pods: Vec<_> =
            endpoints.map(|one| one["targetRef"]["name"].as_str().unwrap().to_owned()).collect();
        found.clear();
        for pod in &pods {
            found.push(get(world, "pod", pod).await["metadata"]["labels"]["track"].clone());
        }
        if found == expected {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{service} leads to {found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_of_the_manifests_sends_exact_parts_and_goes_back() {
    let Some(world) = world("weights").await else { return };
    let process = process(&world, Traffic { weight: Some(5), ..Traffic::default() }).await;
    let [first, second, third] = [1, 2, 3].map(|n| commit(&world, n));
    process.deploy(&first).await.unwrap();
    let before = seen(&world, "shop").await;

    process.canary(&second).await.unwrap();
    assert_eq!(backends(&world, "shop").await, split(95, 5));
    endpoints(&world, "web-canary", &["canary"]).await;
    endpoints(&world, "web-stable", &["stable", "stable"]).await;
    let written = get(&world, "httproute", "shop").await;
    process.canary(&second).await.unwrap();
    assert_eq!(get(&world, "httproute", "shop").await, written, "asked again, not even a resource version");
    let half = self::process(&world, Traffic { weight: Some(50), ..Traffic::default() }).await;
    let canary = world.pods("canary").await;
    half.canary(&second).await.unwrap();
    assert_eq!((backends(&world, "shop").await, world.pods("canary").await), (split(50, 50), canary));

    // Another process knows nothing of the setting.
    let done = world.process().await.rollback().await.unwrap();
    assert_eq!((seen(&world, "shop").await, done.removed.len()), (before.clone(), 5), "{done:?}");
    assert_eq!(world.objects("services").await.len(), 1);

    process.canary(&third).await.unwrap();
    process.promote(&third).await.unwrap();
    assert_eq!(seen(&world, "shop").await, before);
    assert_eq!(world.objects("services").await.len(), 1);
    check_order(&world).await;
}

/// By the server's own log: the Services are there before a route sends to them, and the route is back before
/// they and the workloads go. Of two canaries, the first of which was asked for three times.
async fn check_order(world: &World) {
    let requests = world.plane.requests(&world.namespace, "nprt").await.unwrap();
    let writes = requests.iter().filter(|one| one.is_write() && !one.is_dry_run() && one.status < 300);
    let step = |one: &AuditedRequest| {
        let path = one.uri.split('?').next().unwrap_or_default();
        match one.verb.as_str() {
            "delete" if path.ends_with("/web-canary") => Some("gone "),
            "patch" if path.ends_with("/services/web-canary") => Some("service "),
            "patch" if path.ends_with("/httproutes/shop") => Some("route "),
            _ => None,
        }
    };
    let mut steps: Vec<&str> = writes.filter_map(step).collect();
    steps.dedup_by(|a, b| a == b && *a == "gone ");
    let steps = steps.concat();
    let canaries: Vec<&str> = steps.split("gone ").collect();
    assert!(canaries.len() == 3 && canaries[2].is_empty(), "{steps}");
    for (canary, begins) in canaries.iter().zip(["route service route ", "service route "]) {
        assert!(canary.starts_with(begins) && canary.ends_with("route route "), "{steps}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_somebody_else_made_mirrors_and_goes_back() {
    let Some(world) = world("mirror").await else { return };
    let process = process(&world, Traffic { mirror: true, ..named("edge") }).await;
    let [first, second] = [1, 2].map(|n| world.commit(&manifests(n, "")));
    process.deploy(&first).await.unwrap();
    world.kubectl_with_input(&["apply", "-f", "-"], &route("edge", 80).to_string()).await;
    let before = seen(&world, "edge").await;
    process.canary(&second).await.unwrap();
    assert_eq!(backends(&world, "edge").await, [("web-stable".to_owned(), 100)]);
    let rule = get(&world, "httproute", "edge").await["spec"]["rules"][0].clone();
    assert_eq!(rule["filters"][0]["requestMirror"]["backendRef"]["name"], "web-canary");
    assert_eq!(rule["matches"][0]["path"]["value"], "/shop");
    process.promote(&second).await.unwrap();
    assert_eq!(seen(&world, "edge").await, before);
    assert_eq!(world.objects("services").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_cannot_be_taken_says_why_before_anything_changes() {
    let Some(world) = world("refusals").await else { return };
    let five = |name: &str| Traffic { weight: Some(5), ..named(name) };
    let [first, second] = [1, 2].map(|n| world.commit(&manifests(n, "")));
    world.process().await.deploy(&first).await.unwrap();
    // A controller owns this one; that one leads elsewhere.
    let apply = ["apply", "--server-side", "--field-manager=flux", "-f", "-"];
    world.kubectl_with_input(&apply, &route("edge", 80).to_string()).await;
    let mut elsewhere = route("elsewhere", 80);
    elsewhere["spec"]["rules"][0]["backendRefs"][0]["name"] = json!("other");
    world.kubectl_with_input(&["apply", "-f", "-"], &elsewhere.to_string()).await;
    for (name, expected) in [
        ("edge", "flux"),
        ("edge", ".spec.rules"),
        ("elsewhere", "sends to: other"),
        ("none", "no such HTTPRoute"),
    ] {
        let error = process(&world, five(name)).await.canary(&second).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
    assert_eq!(world.runs().await.len(), 2);
    assert_eq!(world.objects("services").await.len(), 1);
    // A version of the kind that the server does not have.
    let old = route("old", 80).to_string().replace("io/v1\"", "io/v1beta1\"");
    let old = world.commit(&format!("{}---\n{old}\n", manifests(3, "")));
    let error = world.process().await.deploy(&old).await.unwrap_err();
    assert!(error.is_invalid(), "{error}");
    assert_eq!(error.available(), ["gateway.networking.k8s.io/v1 HTTPRoute"], "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_somebody_edits_meanwhile_stays_and_the_canary_goes_all_the_same() {
    let Some(world) = world("held").await else { return };
    let process = process(&world, Traffic { weight: Some(5), ..named("edge") }).await;
    let [first, second, third] = [1, 2, 3].map(|n| world.commit(&manifests(n, "")));
    process.deploy(&first).await.unwrap();
    world.kubectl_with_input(&["apply", "-f", "-"], &route("edge", 80).to_string()).await;
    process.canary(&second).await.unwrap();
    let half = r#"[{"op": "replace", "path": "/spec/rules/0/backendRefs/1/weight", "value": 95}]"#;
    patch_route(&world, half).await;

    let done = process.rollback().await.unwrap();
    let [warning] = &done.warnings[..] else { panic!("{done:?}") };
    for said in ["HTTPRoute/", "/edge", "/web-canary", "/web-stable", "person", ".spec.rules"] {
        assert!(warning.contains(said), "{said}: {warning}");
    }
    assert_eq!((done.removed.len(), backends(&world, "edge").await), (3, split(95, 95)), "{done:?}");
    world.no_canary_left().await;
    for service in ["web-canary", "web-stable"] {
        endpoints(&world, service, &["stable", "stable"]).await;
    }
    check_service_first(&world).await;
    let error = process.canary(&third).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("person"), "{error}");
    let deployed = process.deploy(&third).await.unwrap();
    assert_eq!((deployed.warnings.len(), deployed.removed.len()), (1, 0), "{deployed:?}");
    assert_eq!(world.objects("services").await.len(), 3);

    let right =
        r#"[{"op": "replace", "path": "/spec/rules/0/backendRefs", "value": [{"name": "web", "port": 80}]}]"#;
    patch_route(&world, right).await;
    process.tend().await.unwrap();
    assert_eq!(world.objects("services").await.len(), 1);
    let route = get(&world, "httproute", "edge").await;
    assert_eq!(route["metadata"]["annotations"]["nprt.dev/rules-before"], Value::Null);
    assert_eq!(route["spec"]["rules"][0]["backendRefs"][0]["name"], "web");
}

/// As a person does with `kubectl edit`.
async fn patch_route(world: &World, patch: &str) {
    let name = "--field-manager=person";
    world.kubectl(&["patch", "httproute", "edge", "--type=json", name, "-p", patch]).await;
}

/// By the server's own log: the canary's Service leads to stable's pods before the first workload goes.
async fn check_service_first(world: &World) {
    let requests = world.plane.requests(&world.namespace, "nprt").await.unwrap();
    let writes = requests.iter().filter(|one| one.is_write() && !one.is_dry_run() && one.status < 300);
    let at = |verb: &str, part: &str| {
        let found = writes.clone().enumerate().filter(|(_, one)| one.verb == verb && one.uri.contains(part));
        found.map(|(at, _)| at).collect::<Vec<_>>()
    };
    let (led, deleted) = (at("patch", "/services/web-canary"), at("delete", "/deployments/"));
    assert!(led.len() == 2 && led[1] < deleted[0], "{led:?} {deleted:?}");
}
