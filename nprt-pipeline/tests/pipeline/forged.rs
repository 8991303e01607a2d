//! Records that somebody forged, and what they may do at most.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nprt_core::model::{Digest, Object, ServiceName};
use nprt_core::ports::{Cluster, Purpose, Task, Transition};
use nprt_pipeline::{Event, Pipeline, Progress, Service, Tended};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::interrupted::interrupted;
use crate::world::{World, caller, deploy, shop, tag, told};

fn object(value: Value) -> Object {
    Object::new(value).unwrap()
}

fn config(name: &str, namespace: &str, service: &str, says: &str) -> Object {
    let metadata = json!({"name": name, "namespace": namespace, "labels": {"nprt.dev/service": service}});
    object(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"n": says}}))
}

fn record(objects: &[Value]) -> Vec<u8> {
    serde_json::to_vec(&json!({"from": "main-1", "to": "main-2", "objects": objects})).unwrap()
}

/// An object that the record would make so.
fn changes(object: &Object) -> Value {
    json!({"id": object.id(), "owned": object.as_value()})
}

/// One that it would delete.
fn deletes(object: &Object) -> Value {
    json!({"id": object.id()})
}

fn put(world: &World, record: &[u8]) {
    let metadata = json!({"name": "nprt-undo-shop", "annotations": {"nprt.dev/undo-parts": "1"}});
    let data = json!({"record": STANDARD.encode(record)});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data});
    world.cluster.apply_as("nprt", &object(secret)).unwrap();
}

/// Has the lease vouch for `record`, as no forger could.
async fn vouch(world: &World, record: &[u8]) {
    let lease = world.leased(Purpose::new(Task::Deploy, "ada")).await;
    let hex: String = Sha256::digest(record).iter().map(|byte| format!("{byte:02x}")).collect();
    let records = vec![Digest::new(&format!("sha256:{hex}")).unwrap()];
    let change = Transition { from: "main-1".to_owned(), to: "main-2".to_owned(), back: true, records };
    world.cluster.set_transition(&lease, Some(change)).await.unwrap();
    world.cluster.release(&lease).await.unwrap();
}

async fn tend(pipeline: &Pipeline) -> (Tended, String) {
    let (done, events) = told(async |progress| pipeline.tend(&shop(), &caller(), &progress).await).await;
    let said = events.iter().map(Event::to_string).collect::<Vec<_>>().join("\n");
    (done.unwrap(), said)
}

fn says(world: &World, object: &Object) -> Option<String> {
    let live = world.cluster.clone().with_namespace(object.namespace().unwrap()).objects().into_iter();
    let live = live.filter(|live| live.id() == object.id()).collect::<Vec<_>>();
    live.first().map(|live| live.as_value()["data"]["n"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_record_that_nobody_vouches_for_is_left_alone() {
    let world = World::new();
    let first = world.version(1);
    deploy(&world.pipeline(), &first).await.unwrap();
    let (mine, made) = (config("mine", "shop", "shop", "good"), config("made", "shop", "shop", "good"));
    for object in [&mine, &made] {
        world.cluster.apply_as("nprt", object).unwrap();
    }
    let forged = record(&[changes(&config("mine", "shop", "shop", "evil")), deletes(&made)]);
    put(&world, &forged);
    for _ in 0..2 {
        let (done, said) = tend(&world.pipeline()).await;
        assert!(done.undone.is_none() && done.finished.is_none(), "{done:?}");
        assert!(said.contains("Secret/nprt-undo-shop is not believed"), "{said}");
        let leases = said.contains("holds the lease");
        assert!(!leases, "nothing is written for it: {said}");
    }
    let pipeline = world.pipeline();
    pipeline.rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
    assert_eq!((says(&world, &mine), says(&world, &made)), (Some("good".into()), Some("good".into())));
    // It is as it was, too.
    let kept = world.objects().into_iter().find(|object| object.name() == "nprt-undo-shop").unwrap();
    assert_eq!(kept.as_value()["data"]["record"], json!(STANDARD.encode(&forged)));
}

/// Also where the lease tells of a change: what it does not know by its digest, such as what an older nprt wrote.
#[tokio::test]
async fn a_record_in_place_of_the_one_that_is_vouched_for_is_left_alone() {
    let world = World::new();
    let (_, second) = interrupted(&world, 200).await;
    let mine = config("mine", "shop", "shop", "good");
    world.cluster.apply_as("nprt", &mine).unwrap();
    put(&world, &record(&[changes(&config("mine", "shop", "shop", "evil"))]));
    let (done, said) = tend(&world.pipeline()).await;
    assert_eq!(done.undone, None, "it goes on by what the cluster has: {done:?}");
    assert!(said.contains("is not believed"), "{said}");
    assert_eq!(says(&world, &mine).as_deref(), Some("good"));
    // A deploy makes the service whole all the same.
    deploy(&world.pipeline(), &second).await.unwrap();
    let runs = world.runs();
    assert!(runs.iter().all(|(_, now, _)| *now == tag(&second).to_string()), "{runs:?}");
    assert_eq!(says(&world, &mine).as_deref(), Some("good"));
}

#[tokio::test]
async fn a_rollback_says_that_it_puts_nothing_back() {
    let world = World::new();
    interrupted(&world, 200).await;
    put(&world, &record(&[]));
    let done = world.pipeline().rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
    let said = done.warnings.join("\n");
    assert!(said.contains("Secret/nprt-undo-shop is not believed") && said.contains("older nprt"), "{said}");
}

/// A record that the lease vouches for says what no manifest could: each object is checked again.
#[tokio::test]
async fn a_record_does_no_more_than_a_manifest_could() {
    let world = World::new();
    deploy(&world.pipeline(), &world.version(1)).await.unwrap();
    let elsewhere = [config("a", "other", "shop", "good"), config("b", "other", "shop", "good")];
    let others = [config("c", "shop", "billing", "good"), config("d", "shop", "billing", "good")];
    let ours = [config("nprt-judge-shop", "shop", "shop", "good"), config("nprt-x", "shop", "shop", "good")];
    let fair = [config("e", "shop", "shop", "bad"), config("f", "shop", "shop", "bad")];
    let cluster = world.cluster.clone();
    for object in elsewhere.iter().chain(&others).chain(&ours).chain(&fair) {
        cluster.clone().with_namespace(object.namespace().unwrap()).apply_as("nprt", object).unwrap();
    }
    let unlabelled = object(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "g", "namespace": "shop"}, "data": {"n": "good"}}),
    );
    cluster.apply_as("nprt", &unlabelled).unwrap();
    let role = |verb: &str| {
        object(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": "r", "namespace": "shop", "labels": {"nprt.dev/service": "shop"}},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": [verb]}]}))
    };
    cluster.apply_as("nprt", &role("get")).unwrap();
    let evil = |object: &Object| {
        let mut object = object.clone();
        object.as_value_mut()["data"]["n"] = json!("evil");
        changes(&object)
    };
    // A label in the record that agrees with the live object's is no permission.
    let mut all = vec![evil(&elsewhere[0]), deletes(&elsewhere[1]), evil(&others[0]), deletes(&others[1])];
    all.extend([evil(&ours[0]), deletes(&ours[1]), changes(&role("*")), deletes(&unlabelled)]);
    let good = config("e", "shop", "shop", "good again");
    all.extend([changes(&good), deletes(&fair[1])]);
    let record = record(&all);
    put(&world, &record);
    vouch(&world, &record).await;
    let (done, said) = tend(&world.pipeline()).await;
    assert!(done.undone.is_some(), "{done:?}, {said}");
    for object in elsewhere.iter().chain(&others).chain(&ours).chain([&unlabelled]) {
        assert_eq!(says(&world, object).as_deref(), Some("good"), "{}: {said}", object.id());
    }
    let live = world.objects().into_iter().find(|object| object.kind() == "Role").unwrap();
    assert_eq!(live.as_value()["rules"], role("get").as_value()["rules"]);
    for words in ["names another namespace", "billing", "reserved for nprt's own state", "allow_kinds"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(
        says(&world, &fair[0]).as_deref(),
        Some("good again"),
        "what a manifest could say goes back: {said}"
    );
    assert_eq!(says(&world, &fair[1]), None, "{said}");
}

/// By the label alone an object would be pruned.
#[tokio::test]
async fn what_is_reserved_or_not_allowed_is_not_pruned() {
    let world = World::new();
    let service = Service { prune: true, ..Service::new(shop()) };
    let pipeline: Arc<Pipeline> = world.pipeline_of(service, world.ports());
    deploy(&pipeline, &world.version(1)).await.unwrap();
    let role = object(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": [],
        "metadata": {"name": "r", "labels": {"nprt.dev/service": "shop"}}}));
    let (own, old) = (config("nprt-x", "shop", "shop", "1"), config("old", "shop", "shop", "1"));
    for object in [&role, &own, &old] {
        world.cluster.apply_as("kubectl", object).unwrap();
    }
    let done = deploy(&pipeline, &world.version(2)).await.unwrap();
    assert_eq!(done.pruned, [old.id()], "{done:?}");
    let service: ServiceName = shop();
    assert!(world.cluster.list(&service).await.unwrap().iter().any(|object| object.kind() == "Role"));
}
