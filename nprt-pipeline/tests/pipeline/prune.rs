//! What a service no longer has, and what an operation would do.

use std::sync::Arc;
use std::time::Duration;

use nprt_core::ErrorKind;
use nprt_core::model::{Object, Track};
use nprt_core::ports::{Change, Clock, Cluster, LeaseRequest, Purpose, Takeover};
use nprt_pipeline::{Event, Pipeline, Ports, Progress, Service};
use serde_json::json;

use crate::faulty::Faulty;
use crate::world::{World, canary, deploy, manifests, promote, request, shop, told};

/// A Deployment and its ConfigMap; one that says that it stays; a claim.
const MORE: &str = r#"
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: old}
spec:
  selector: {matchLabels: {app: old}}
  template:
    metadata: {labels: {app: old}}
    spec: {containers: [{name: old, image: registry.example.com/shop/worker}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: old}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: stays, annotations: {nprt.dev/prune: "false"}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"#;

fn pruning(world: &World, ports: Ports) -> Pipeline {
    let service = Service { prune: true, ..Service::new(shop()) };
    let settings = nprt_pipeline::PipelineSettings::default();
    Pipeline::new("test", world.clock.clone(), settings).unwrap().with_service(service, ports).unwrap()
}

fn names(world: &World) -> Vec<String> {
    let objects = world.objects();
    objects.iter().map(|object| format!("{}/{}", object.kind(), object.name())).collect()
}

/// A ConfigMap with the label of a service, made by a person.
fn config(name: &str, service: &str, annotations: &serde_json::Value) -> Object {
    let labels = json!({"nprt.dev/service": service});
    let metadata = json!({"name": name, "labels": labels, "annotations": annotations});
    Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})).unwrap()
}

const OLD: [&str; 2] = ["Deployment/old", "ConfigMap/old"];

/// Runs version 1 with `MORE`.
async fn with_more(world: &World, pipeline: &Pipeline) {
    let first = world.commit(&(manifests(1, "") + MORE));
    world.push(&first);
    deploy(pipeline, &first).await.unwrap();
}

#[tokio::test]
async fn what_the_manifests_no_longer_hold_is_deleted_by_policy_after_the_rollouts() {
    let world = World::new();
    let pipeline = pruning(&world, world.ports());
    with_more(&world, &pipeline).await;
    world.cluster.apply_as("kubectl", &config("theirs", "other", &json!({}))).unwrap();
    let before = names(&world);
    let next = world.version(2);

    // By default nothing goes, and the deploy says what would.
    let done = deploy(&world.pipeline(), &next).await.unwrap();
    assert_eq!((done.pruned.len(), names(&world)), (0, before.clone()));
    let [said] = &done.warnings[..] else { panic!("{done:?}") };
    assert!(said.contains("Deployment") && said.contains("old") && said.contains("does not prune"), "{said}");
    assert!(!said.contains("data") && !said.contains("stays"), "{said}");

    let (done, events) =
        told(async |progress| pipeline.deploy(&shop(), &request(&next), &progress).await).await;
    let done = done.unwrap();
    let pruned: Vec<_> = done.pruned.iter().map(|id| format!("{}/{}", id.kind, id.name)).collect();
    assert_eq!((pruned, done.warnings.len()), (OLD.map(str::to_owned).to_vec(), 0));
    let left: Vec<String> = before.into_iter().filter(|name| !OLD.contains(&name.as_str())).collect();
    assert_eq!(names(&world), left);
    let last = events.iter().rposition(|event| matches!(event, Event::Rollout { .. })).unwrap();
    let pruned: Vec<_> = events
        .iter()
        .enumerate()
        .filter_map(|(n, event)| matches!(event, Event::Pruned { .. }).then_some(n))
        .collect();
    assert!(pruned.len() == 2 && pruned[0] > last, "at the very end: {events:?}");
}

#[tokio::test]
async fn a_deploy_that_fails_prunes_nothing() {
    let world = World::new();
    let pipeline = pruning(&world, world.ports());
    with_more(&world, &pipeline).await;
    let before = names(&world);
    let crashing = world.commit(&manifests(2, "crash-loop"));
    world.push(&crashing);
    assert_eq!(deploy(&pipeline, &crashing).await.unwrap_err().kind(), ErrorKind::RolloutFailed);
    assert_eq!(names(&world), before);
}

#[tokio::test]
async fn a_canary_leaves_it_to_the_promotion() {
    let world = World::new();
    let pipeline = pruning(&world, world.ports());
    with_more(&world, &pipeline).await;
    let next = world.version(2);
    let done = canary(&pipeline, &next).await.unwrap();
    let waits = |name: &str| done.withheld.iter().any(|id| format!("{}/{}", id.kind, id.name) == name);
    assert!(OLD.iter().all(|name| waits(name)) && !waits("ConfigMap/stays"), "{:?}", done.withheld);
    assert!(OLD.iter().all(|name| names(&world).contains(&(*name).to_owned())));
    let done = promote(&pipeline, &next).await.unwrap();
    assert_eq!(done.pruned.len(), 2, "and not what was the canary's: {done:?}");
    assert!(!OLD.iter().any(|name| names(&world).contains(&(*name).to_owned())));
}

#[tokio::test]
async fn who_keeps_it_or_takes_it_during_the_rollout_has_it() {
    let world = World::new();
    let slow = world.cluster.clone().with_rollout_delay(Duration::from_secs(300));
    let pipeline = pruning(&world, Ports { cluster: Arc::new(slow), ..world.ports() });
    with_more(&world, &pipeline).await;
    for name in ["kept", "given"] {
        world.cluster.apply_as("kubectl", &config(name, "shop", &json!({}))).unwrap();
    }
    let next = world.version(2);
    let under_way = tokio::spawn(async move { deploy(&pipeline, &next).await });
    world.wait(100).await;
    // Anything but `true` keeps it.
    world.cluster.apply_as("kubectl", &config("kept", "shop", &json!({"nprt.dev/prune": "no"}))).unwrap();
    world.cluster.apply_as("kubectl", &config("given", "other", &json!({}))).unwrap();
    let done = under_way.await.unwrap().unwrap();
    assert_eq!(done.pruned.len(), 2, "{done:?}");
    let left = names(&world);
    assert!(left.contains(&"ConfigMap/kept".to_owned()) && left.contains(&"ConfigMap/given".to_owned()));
}

#[tokio::test]
async fn what_cannot_be_deleted_is_tried_again_by_the_next_deploy() {
    let world = World::new();
    let faulty = Arc::new(Faulty::new(&world));
    let pipeline = pruning(&world, Ports { cluster: faulty.clone(), ..world.ports() });
    with_more(&world, &pipeline).await;
    let next = world.version(2);
    faulty.stuck.lock().unwrap().insert("old".to_owned());
    let done = deploy(&pipeline, &next).await.unwrap();
    assert!(done.pruned.is_empty() && done.warnings[0].contains("next deploy tries again"), "{done:?}");
    faulty.stuck.lock().unwrap().clear();
    assert_eq!(deploy(&pipeline, &next).await.unwrap().pruned.len(), 2);
}

#[tokio::test]
async fn a_preview_says_what_the_operation_then_does_and_changes_nothing() {
    let world = World::new();
    let pipeline = pruning(&world, world.ports());
    with_more(&world, &pipeline).await;
    let next = world.commit(&manifests(2, ""));
    let preview = async |track| {
        let (objects, at) = (world.objects(), world.clock.now());
        let done = pipeline.preview(&shop(), &request(&next), track, &Progress::silent()).await;
        assert_eq!((world.objects(), world.clock.now()), (objects, at), "{track}");
        done
    };
    let error = preview(Track::Stable).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "it does not wait for images: {error}");
    world.push(&next);

    let ask = LeaseRequest {
        service: shop(),
        holder: "another".into(),
        process: "host".into(),
        purpose: Purpose::unknown("maintenance"),
        duration: Duration::from_secs(3600),
        takeover: Takeover::WhenExpired,
    };
    for track in [Track::Canary, Track::Stable] {
        // While somebody changes the service as well.
        let lease = world.cluster.acquire(&ask).await.unwrap();
        let before = preview(track).await.unwrap();
        let promotion = pipeline.preview_promotion(&shop(), &request(&next), &Progress::silent()).await;
        match track {
            Track::Canary => assert!(promotion.unwrap_err().is_conflict(), "there is no canary"),
            Track::Stable => assert_eq!(promotion.unwrap(), before, "a deploy of the canary's version"),
        }
        let held = world.cluster.lease(&shop()).await.unwrap();
        assert_eq!(held.map(|held| held.epoch), Some(lease.epoch));
        world.cluster.release(&lease).await.unwrap();
        let done = match track {
            Track::Canary => canary(&pipeline, &next).await.unwrap(),
            Track::Stable => deploy(&pipeline, &next).await.unwrap(),
        };
        let mut foreseen: Vec<_> = before.objects.iter().map(|o| (o.object.clone(), o.change)).collect();
        let mut applied: Vec<_> = done.applied.iter().map(|o| (o.object.clone(), o.change)).collect();
        foreseen.sort_by_key(|(id, _)| id.clone());
        applied.sort_by_key(|(id, _)| id.clone());
        assert_eq!(foreseen, applied, "{track}");
        let mut removed = (before.removed.clone(), done.removed.clone());
        removed.0.sort();
        removed.1.sort();
        assert_eq!(removed.0, removed.1, "{track}");
        assert_eq!((&before.withheld, before.tag), (&done.withheld, done.tag), "{track}");
        assert_eq!(before.pruned.len(), done.pruned.len(), "{track}");
        for object in &before.objects {
            assert_eq!(object.before.is_none(), object.change == Change::Created, "{object:?}");
        }
        if track == Track::Stable {
            let config = before.objects.iter().find(|o| o.object.kind == "ConfigMap").unwrap();
            let n = |object: &Object| object.as_value()["data"]["n"].clone();
            assert_eq!((n(config.before.as_ref().unwrap()), n(&config.after)), (json!("1"), json!("2")));
            assert_eq!((before.pruned.len(), before.removed.len()), (2, 3));
        }
    }
}

#[tokio::test]
async fn a_preview_of_another_canary_says_that_the_one_that_runs_goes() {
    let world = World::new();
    let pipeline = world.pipeline();
    deploy(&pipeline, &world.version(1)).await.unwrap();
    let [trial, next] = [world.version(2), world.version(3)];
    canary(&pipeline, &trial).await.unwrap();
    let preview = async |revision| {
        pipeline.preview(&shop(), &request(revision), Track::Canary, &Progress::silent()).await.unwrap()
    };
    let (same, other) = (preview(&trial).await, preview(&next).await);
    assert!(
        same.removed.is_empty() && same.objects.iter().all(|o| o.change == Change::Unchanged),
        "{same:?}"
    );
    assert_eq!(other.removed.len(), 3);
    assert!(other.objects.iter().all(|o| o.change == Change::Created && o.before.is_none()), "{other:?}");
}
