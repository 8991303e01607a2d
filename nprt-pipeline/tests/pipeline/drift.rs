//! What others set on stable is named before a canary starts, and the canary is what gets promoted.

use nprt_core::ErrorKind;
use nprt_core::model::{Object, Track};
use nprt_pipeline::{DriftPolicy, Pipeline, Progress, Service};
use serde_json::{Value, json};

use super::world::{World, caller, canary, manifests, request, shop};

const ENV: &str = "Deployment/web spec.template.spec.containers[web].env[DEBUG]";
const KEY: &str = "ConfigMap/web data.debug";

/// A pipeline whose service does this about drift, with a stable version.
async fn stable(world: &World, drift: DriftPolicy) -> std::sync::Arc<Pipeline> {
    let service = Service { drift, ..Service::new(shop()) };
    let pipeline = world.pipeline_of(service, world.ports());
    let first = world.version(1);
    pipeline.deploy(&shop(), &request(&first), &Progress::silent()).await.unwrap();
    pipeline
}

/// What `kubectl set env` and `kubectl patch` do to stable.
fn set_by_hand(world: &World) {
    let containers = json!([{"name": "web", "env": [{"name": "DEBUG", "value": "secret"}]}]);
    for patch in [
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"template": {"spec": {"containers": containers}}}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"debug": "on"}}),
    ] {
        world.cluster.apply_as("kubectl-set", &Object::new(patch).unwrap()).unwrap();
    }
}

fn object(world: &World, id: &str) -> Option<Value> {
    let is_it = |object: &Object| format!("{}/{}", object.kind(), object.name()) == id;
    world.objects().into_iter().find(is_it).map(Object::into_value)
}

/// The pod template without what tells the tracks apart.
fn template(world: &World, name: &str) -> Value {
    let mut template = object(world, &format!("Deployment/{name}")).unwrap()["spec"]["template"].take();
    for (map, key) in [("labels", "track"), ("labels", "nprt.dev/track")] {
        template["metadata"][map].as_object_mut().unwrap().shift_remove(key);
    }
    let containers = template["spec"]["containers"].as_array_mut().unwrap();
    for container in containers {
        container["env"].as_array_mut().unwrap().retain(|variable| variable["name"] != "TRACK");
    }
    let text = template.to_string().replace("web-canary", "web");
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn a_warning_names_the_fields_in_the_answer_the_status_and_the_verdict() {
    let world = World::new();
    let pipeline = stable(&world, DriftPolicy::Warn).await;
    set_by_hand(&world);
    let done = canary(&pipeline, &world.version(2)).await.unwrap();
    let warning = done.warnings.iter().find(|warning| warning.contains("lacks what others set")).unwrap();
    assert!(warning.contains(ENV) && warning.contains(KEY) && !warning.contains("secret"), "{warning}");
    assert!(object(&world, "ConfigMap/web-canary").unwrap()["data"].get("debug").is_none());
    let status = pipeline.status(&shop()).await.unwrap();
    assert_eq!(status.canary.unwrap().drift, [ENV, KEY]);
    let judged = pipeline.judge_canary(&shop(), &Progress::silent()).await.unwrap();
    assert_eq!(judged.drift, [ENV, KEY]);
    let again = canary(&pipeline, &judged.revision).await.unwrap();
    assert!(again.applied.iter().all(|applied| applied.change.as_str() == "unchanged"), "{again:?}");
}

#[tokio::test]
async fn drift_can_be_refused_before_a_pod_starts_and_at_the_promotion() {
    let world = World::new();
    let pipeline = stable(&world, DriftPolicy::Refuse).await;
    let second = world.version(2);
    canary(&pipeline, &second).await.unwrap();
    set_by_hand(&world);
    let before = world.objects();
    let error = pipeline.promote(&shop(), &request(&second), &Progress::silent()).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Rejected && error.to_string().contains(ENV), "{error}");
    let preview = pipeline.preview_promotion(&shop(), &request(&second), &Progress::silent()).await;
    assert_eq!(preview.unwrap_err().to_string(), error.to_string());
    assert_eq!(world.objects(), before);
    pipeline.rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
    world.wait(10).await;
    let before = world.objects();
    for revision in [&second, &world.version(3)] {
        let error = canary(&pipeline, revision).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Rejected && error.to_string().contains("`drift`"), "{error}");
    }
    assert_eq!(world.objects(), before);
}

#[tokio::test]
async fn a_canary_can_carry_what_others_set_and_is_what_gets_promoted() {
    let world = World::new();
    let pipeline = stable(&world, DriftPolicy::Carry).await;
    set_by_hand(&world);
    let second = world.version(2);
    let done = canary(&pipeline, &second).await.unwrap();
    assert!(
        done.warnings.iter().any(|warning| warning.contains("carries") && warning.contains(ENV)),
        "{done:?}"
    );
    assert!(pipeline.status(&shop()).await.unwrap().canary.unwrap().drift.is_empty());
    let copy = object(&world, "ConfigMap/web-canary").unwrap()["data"].clone();
    let judged = template(&world, "web-canary");
    let done = pipeline.promote(&shop(), &request(&second), &Progress::silent()).await.unwrap();
    assert!(!done.warnings.iter().any(|warning| warning.contains("judged")), "{done:?}");
    assert_eq!(template(&world, "web"), judged);
    assert_eq!(object(&world, "ConfigMap/web").unwrap()["data"], copy);
}

#[tokio::test]
async fn a_key_that_others_added_makes_no_copy_where_nothing_else_changes() {
    let world = World::new();
    let pipeline = stable(&world, DriftPolicy::Refuse).await;
    let patch = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"debug": "on"}});
    world.cluster.apply_as("kubectl-patch", &Object::new(patch).unwrap()).unwrap();
    // The same configuration in another version.
    let revision = world.commit(&manifests(1, ""));
    world.push(&revision);
    let done = canary(&pipeline, &revision).await;
    match done {
        Ok(done) => {
            assert!(object(&world, "ConfigMap/web-canary").is_none(), "stable's own has the key");
            assert!(done.withheld.is_empty(), "{done:?}");
        }
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn what_somebody_set_on_a_canary_before_is_no_drift_of_the_next() {
    let world = World::new();
    let pipeline = stable(&world, DriftPolicy::Refuse).await;
    canary(&pipeline, &world.version(2)).await.unwrap();
    let patch = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web-canary"},
        "spec": {"template": {"spec": {"containers": [{"name": "web", "env": [{"name": "X", "value": "1"}]}]}}}});
    world.cluster.apply_as("kubectl-set", &Object::new(patch).unwrap()).unwrap();
    canary(&pipeline, &world.version(3)).await.unwrap();
    let preview =
        pipeline.preview(&shop(), &request(&world.version(4)), Track::Canary, &Progress::silent()).await;
    assert!(preview.is_ok(), "{preview:?}");
}
