//! What is beside a service: canaries and selectors of others, and pods of nobody's.

use nprt_core::ErrorKind;
use nprt_core::model::{Object, Track};
use nprt_core::ports::Clock as _;
use nprt_pipeline::{Pipeline, Progress};
use serde_json::{Value, json};

use crate::world::{World, canary, deploy, manifests, promote, request, shop, tag};

const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A Deployment of another tool, whose pods have these labels.
fn deployment(name: &str, labels: &Value, annotations: &Value) -> Object {
    Object::new(json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "labels": labels, "annotations": annotations},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels},
            "spec": {"containers": [{"name": "web", "image": "registry.example.com/shop/web:old"}]}}}}))
    .unwrap()
}

/// The canary that the method's first implementation leaves.
fn older() -> Object {
    deployment("web-canary", &json!({"app": "web", "track": "canary"}), &json!({APPLIED: "{}"}))
}

fn names(world: &World) -> Vec<String> {
    world.runs().into_iter().map(|(name, ..)| name).collect()
}

#[tokio::test]
async fn an_older_tools_canary_goes_before_another_version_is_deployed() {
    let world = World::new();
    let pipeline = world.pipeline();
    world.cluster.apply_as("kubectl-client-side-apply", &older()).unwrap();
    let revision = world.version(1);
    let preview =
        pipeline.preview(&shop(), &request(&revision), Track::Stable, &Progress::silent()).await.unwrap();
    assert_eq!(preview.removed.iter().map(|id| &*id.name).collect::<Vec<_>>(), ["web-canary"]);
    assert_eq!(names(&world), ["web-canary"], "a preview removes nothing");
    let began = world.clock.now();
    let done = deploy(&pipeline, &revision).await.unwrap();
    assert_eq!(done.removed.iter().map(|id| &*id.name).collect::<Vec<_>>(), ["web-canary"]);
    assert_eq!(names(&world), ["web", "worker"]);
    assert!(world.clock.now().duration_since(began).as_secs() >= 1, "its pods were waited for");
    assert!(!done.warnings.iter().any(|warning| warning.contains("also sends")), "{:?}", done.warnings);
}

#[tokio::test]
async fn an_older_tools_canary_makes_way_for_a_canary() {
    let world = World::new();
    let pipeline = world.pipeline();
    let [first, second] = [1, 2].map(|n| world.version(n));
    deploy(&pipeline, &first).await.unwrap();
    world.cluster.apply_as("kubectl-client-side-apply", &older()).unwrap();
    let done = canary(&pipeline, &second).await.unwrap();
    assert_eq!(done.removed.iter().map(|id| &*id.name).collect::<Vec<_>>(), ["web-canary"]);
    let web = world.workload("web-canary").unwrap();
    assert_eq!((web.tag, web.track.as_deref()), (Some(tag(&second).to_string()), Some("canary")));
    promote(&pipeline, &second).await.unwrap();
    assert_eq!(names(&world), ["web", "worker"]);
}

async fn refused(pipeline: &Pipeline, world: &World, part: &str) {
    let error = canary(pipeline, &world.version(2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    let text = error.to_string();
    for part in ["Deployment/shop/web-canary", "delete that object", part] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// Whatever is not surely such a canary is left alone, and in the way of ours.
#[tokio::test]
async fn another_object_of_the_name_is_never_removed() {
    let canary_labels = json!({"app": "web", "track": "canary"});
    for (object, whose) in [
        (deployment("web-canary", &canary_labels, &json!({})), "of: unknown"),
        (
            deployment("web-canary", &json!({"app": "web", "tier": "x"}), &json!({APPLIED: "{}"})),
            "of: kubectl apply",
        ),
        (
            deployment("web-canary", &json!({"app": "other", "track": "canary"}), &json!({APPLIED: "{}"})),
            "of: kubectl apply",
        ),
        (
            deployment(
                "web-canary",
                &json!({"app": "web", "track": "canary", "nprt.dev/service": "other"}),
                &json!({APPLIED: "{}"}),
            ),
            "of: the service other",
        ),
        (
            deployment(
                "web-canary",
                &json!({"app": "web", "app.kubernetes.io/managed-by": "Helm"}),
                &json!({}),
            ),
            "of: Helm",
        ),
    ] {
        let world = World::new();
        let pipeline = world.pipeline();
        world.cluster.apply_as("theirs", &object).unwrap();
        let done = deploy(&pipeline, &world.version(1)).await.unwrap();
        assert!(done.removed.is_empty(), "{done:?}");
        refused(&pipeline, &world, whose).await;
        assert!(world.workload("web-canary").is_some(), "{object:?}");
    }
}

#[tokio::test]
async fn pods_of_no_version_behind_our_service_are_a_warning() {
    let world = World::new();
    let pipeline = world.pipeline();
    let debug = deployment("debug", &json!({"app": "web", "purpose": "debug"}), &json!({}));
    world.cluster.apply_as("ada", &debug).unwrap();
    let first = world.version(1);
    for _ in 0..2 {
        let done = deploy(&pipeline, &first).await.unwrap();
        let [warning] = &*done.warnings else { panic!("{:?}", done.warnings) };
        assert!(
            warning.starts_with("Service/shop/web also sends requests to") && warning.contains("debug-"),
            "{warning}"
        );
    }
    let done = canary(&pipeline, &world.version(2)).await.unwrap();
    assert!(done.warnings.iter().any(|warning| warning.contains("debug-")), "{:?}", done.warnings);
}

/// The first deploy over what another tool made is no reason to warn: these pods are replaced.
#[tokio::test]
async fn pods_that_the_deploy_replaces_are_no_strangers() {
    let world = World::new();
    let web = deployment("web", &json!({"app": "web"}), &json!({}));
    world.cluster.apply_as("nprt", &web).unwrap();
    let done = deploy(&world.pipeline(), &world.version(1)).await.unwrap();
    assert!(done.warnings.is_empty(), "{:?}", done.warnings);
}

#[tokio::test]
async fn a_selector_of_somebody_else_refuses_deploy_canary_and_promotion() {
    let world = World::new();
    let pipeline = world.pipeline();
    let [first, second] = [1, 2].map(|n| world.version(n));
    deploy(&pipeline, &first).await.unwrap();
    let budget = |version: String| {
        Object::new(
            json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "theirs"},
            "spec": {"minAvailable": 1, "selector": {"matchLabels":
                {"app": "web", "app.kubernetes.io/version": version}}}}),
        )
        .unwrap()
    };
    world.cluster.apply_as("ada", &budget(tag(&first).to_string())).unwrap();
    let objects = world.objects();
    let error = deploy(&pipeline, &second).await.unwrap_err();
    let text = error.to_string();
    assert!(error.is_invalid() && text.contains("PodDisruptionBudget/shop/theirs"), "{text}");
    assert!(text.contains("label: app.kubernetes.io/version"), "{text}");
    canary(&pipeline, &second).await.unwrap_err();
    assert_eq!(world.objects(), objects, "nothing changed");
    // The same version again rewrites nothing.
    deploy(&pipeline, &first).await.unwrap();
    world.cluster.apply_as("ada", &budget("none".to_owned())).unwrap();
    canary(&pipeline, &second).await.unwrap();
    world.cluster.apply_as("ada", &budget(tag(&first).to_string())).unwrap();
    promote(&pipeline, &second).await.unwrap_err();
}

#[tokio::test]
async fn manifests_with_such_a_selector_are_refused_before_anything_changes() {
    let world = World::new();
    let text =
        manifests(1, "").replace("selector: {app: web}, ports", "selector: {app: web, track: blue}, ports");
    let text =
        text.replace("labels: {app: web}, annotations", "labels: {app: web, track: blue}, annotations");
    let revision = world.commit(&text);
    world.push(&revision);
    let error = deploy(&world.pipeline(), &revision).await.unwrap_err().to_string();
    assert!(error.contains("Service/web") && error.contains("label: track"), "{error}");
    assert_eq!(world.objects(), []);
}
