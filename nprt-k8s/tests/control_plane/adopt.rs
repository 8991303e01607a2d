//! Objects that kubectl made, and fields of other managers.
use nprt_core::ErrorKind;
use nprt_core::model::Object;
use nprt_core::ports::{Change, Cluster};
use serde_json::{Value, json};

use crate::world::{World, deployment, object, with};

const ENV: &str = "/spec/template/spec/containers/0/env";
const IMAGE: &str = "/spec/template/spec/containers/0/image";
const ANNOTATIONS: &str = "/metadata/annotations";

async fn live(world: &World, object: &Object) -> Object {
    world.cluster.get(&object.id()).await.unwrap().unwrap()
}

fn at<'a>(object: &'a Object, pointer: &str) -> Option<&'a Value> {
    object.as_value().pointer(pointer)
}

/// The managers that own fields of `object`, without those that write its status.
fn managers(object: &Object) -> Vec<String> {
    let entries = at(object, "/metadata/managedFields").and_then(Value::as_array).unwrap();
    let whole = entries.iter().filter(|entry| entry.get("subresource").is_none());
    let mut names: Vec<String> = whole.map(|entry| entry["manager"].as_str().unwrap().to_owned()).collect();
    names.retain(|name| name != "kube-controller-manager");
    names.sort();
    names
}

fn fields(error: &nprt_core::Error) -> Vec<String> {
    let context = error.context().iter().filter(|(key, _)| *key == "field");
    context.map(|(_, value)| value.to_string()).collect()
}

/// A Deployment with a variable and an annotation, which later manifests drop.
fn first() -> Object {
    let object = with(deployment("cart"), ENV, json!([{"name": "A", "value": "1"}]));
    with(object, ANNOTATIONS, json!({"note": "kept by hand until now"}))
}

#[tokio::test]
async fn what_kubectl_made_is_taken_over() {
    let Some(world) = World::new("adopt").await else { return };
    for verb in ["apply", "create"] {
        let lease = world.lease("cart").await;
        world.admin_with_input(&[verb, "-f", "-"], &first().as_value().to_string()).await;
        let before = live(&world, &first()).await;
        let kubectl = format!("kubectl-{}", if verb == "apply" { "client-side-apply" } else { verb });
        assert_eq!(managers(&before), [kubectl]);
        // Later a field is set to something else, and two are dropped.
        let next = with(deployment("cart"), IMAGE, json!("registry.invalid/app:2"));
        let dry = world.cluster.dry_run(&next).await.unwrap();
        assert_eq!(dry.change, Change::Configured);
        assert_eq!(at(&dry.object, IMAGE), Some(&json!("registry.invalid/app:2")));
        assert_eq!(managers(&live(&world, &next).await), managers(&before), "a dry run takes nothing");
        // The same manifest changes owners alone: no pod restarts.
        let same = world.cluster.apply(&lease, &first()).await.unwrap();
        assert_eq!(same.change, Change::Configured);
        assert_eq!(at(&same.object, "/spec"), at(&before, "/spec"));
        assert_eq!(managers(&same.object), ["nprt"]);
        assert_eq!(world.cluster.apply(&lease, &first()).await.unwrap().change, Change::Unchanged);
        let applied = world.cluster.apply(&lease, &next).await.unwrap();
        assert_eq!(at(&applied.object, IMAGE), Some(&json!("registry.invalid/app:2")));
        assert_eq!(at(&applied.object, ENV), None, "{verb}: the variable was dropped");
        assert_eq!(applied.object.annotation("note"), None, "{verb}: the annotation was dropped");
        let stale = "kubectl.kubernetes.io/last-applied-configuration";
        assert_eq!(applied.object.annotation(stale), None, "{verb}: what it says is no longer so");
        world.cluster.delete(&lease, &first().id()).await.unwrap();
        world.cluster.release(&lease).await.unwrap();
    }
}

/// Both at once: the first apply sets a field to something else and drops others.
#[tokio::test]
async fn the_first_apply_drops_what_its_manifest_does_not_have() {
    let Some(world) = World::new("adopt-drop").await else { return };
    let lease = world.lease("cart").await;
    let made = object(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cart"},
        "data": {"kept": "1", "dropped": "1"}}));
    let next = with(made.clone(), "/data", json!({"kept": "2"}));
    world.admin_with_input(&["create", "-f", "-"], &made.as_value().to_string()).await;
    world.admin_with_input(&["apply", "-f", "-"], &made.as_value().to_string()).await;
    world.admin(&["annotate", "configmap", "cart", "note=mine"]).await;
    let applied = world.cluster.apply(&lease, &next).await.unwrap();
    assert_eq!(applied.change, Change::Configured);
    assert_eq!(at(&applied.object, "/data"), Some(&json!({"kept": "2"})));
    assert_eq!(applied.object.annotation("note"), Some("mine"), "what others wrote stays");
    assert_eq!(world.cluster.apply(&lease, &next).await.unwrap().change, Change::Unchanged);
    assert_eq!(world.cluster.dry_run(&next).await.unwrap().change, Change::Unchanged);
}

/// An object of the time before the server knew owners: what `kubectl apply` was given is ours, the
/// finalizer that a controller set is not.
#[tokio::test]
async fn what_was_applied_before_there_were_owners_is_taken_over() {
    let Some(world) = World::new("adopt-old").await else { return };
    let lease = world.lease("cart").await;
    let made = object(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cart"},
        "data": {"kept": "1", "dropped": "1"}}));
    world.admin_with_input(&["apply", "-f", "-"], &made.as_value().to_string()).await;
    let strip = r#"{"metadata": {"finalizers": ["example.com/x"], "managedFields": [{}]}}"#;
    world.admin(&["patch", "configmap", "cart", "--type=merge", "-p", strip]).await;
    // The server itself makes such an owner when it first meets an owner.
    let first = world.cluster.apply(&lease, &made).await.unwrap().object;
    assert_eq!(managers(&first), ["before-first-apply", "nprt"]);
    let next = with(made.clone(), "/data", json!({"kept": "2"}));
    assert_eq!(world.cluster.dry_run(&next).await.unwrap().change, Change::Configured);
    let applied = world.cluster.apply(&lease, &next).await.unwrap().object;
    assert_eq!(at(&applied, "/data"), Some(&json!({"kept": "2"})));
    assert_eq!(at(&applied, "/metadata/finalizers"), Some(&json!(["example.com/x"])));
    assert_eq!(world.cluster.apply(&lease, &next).await.unwrap().change, Change::Unchanged);
    let free = r#"{"metadata": {"finalizers": null}}"#;
    world.admin(&["patch", "configmap", "cart", "--type=merge", "-p", free]).await;
}

#[tokio::test]
async fn other_managers_stay_conflicts_unless_the_policy_names_them() {
    let Some(world) = World::new("adopt-others").await else { return };
    let lease = world.lease("cart").await;
    world.admin_with_input(&["create", "-f", "-"], &first().as_value().to_string()).await;
    let theirs = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "cart"},
        "spec": {"minReadySeconds": 1}});
    let by_other = ["apply", "--server-side", "--field-manager=other", "-f", "-"];
    world.admin_with_input(&by_other, &theirs.to_string()).await;
    let before = managers(&live(&world, &first()).await);
    assert_eq!(before, ["kubectl-create", "other"]);

    let next = with(deployment("cart"), "/spec/minReadySeconds", json!(2));
    let next = with(next, IMAGE, json!("registry.invalid/app:2"));
    for error in [
        world.cluster.dry_run(&next).await.unwrap_err(),
        world.cluster.apply(&lease, &next).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        let named =
            |field: &String| field.starts_with(".spec.minReadySeconds") && field.contains("\"other\"");
        assert!(fields(&error).iter().any(named), "{error}");
    }
    let unchanged = live(&world, &next).await;
    assert_eq!(managers(&unchanged), before, "what is refused changes no owner");
    assert_eq!(at(&unchanged, IMAGE), at(&first(), IMAGE));

    let another = world.forcing(&["somebody", "kubectl-edit"]).await;
    assert!(another.apply(&lease, &next).await.unwrap_err().is_conflict(), "the policy names others");
    let forcing = world.forcing(&["other"]).await;
    assert_eq!(forcing.dry_run(&next).await.unwrap().change, Change::Configured);
    let applied = forcing.apply(&lease, &next).await.unwrap();
    assert_eq!(at(&applied.object, "/spec/minReadySeconds"), Some(&json!(2)));
    assert_eq!(at(&applied.object, ENV), None);
    assert_eq!(forcing.apply(&lease, &next).await.unwrap().change, Change::Unchanged);
}

/// Somebody writes the object all the while: nothing of theirs is lost.
#[tokio::test]
async fn taking_over_loses_no_write_of_others() {
    let Some(world) = World::new("adopt-race").await else { return };
    let lease = world.lease("cart").await;
    let made = object(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cart"},
        "data": {"a": "1"}}));
    let next = with(made.clone(), "/data", json!({"a": "2"}));
    world.admin_with_input(&["apply", "-f", "-"], &made.as_value().to_string()).await;
    let annotate = async {
        for n in 0..8 {
            world.admin(&["annotate", "configmap", "cart", &format!("n{n}=x")]).await;
        }
    };
    let adopt = async {
        for _ in 0..8 {
            world.cluster.apply(&lease, &next).await.unwrap();
            world.admin_with_input(&["apply", "-f", "-"], &made.as_value().to_string()).await;
        }
        world.cluster.apply(&lease, &next).await.unwrap();
    };
    futures_util::future::join(annotate, adopt).await;
    let end = live(&world, &made).await;
    assert!((0..8).all(|n| end.annotation(&format!("n{n}")) == Some("x")), "{end:?}");
    assert_eq!(at(&end, "/data"), Some(&json!({"a": "2"})));
}

#[tokio::test]
async fn what_was_taken_over_can_be_restored() {
    let Some(world) = World::new("adopt-restore").await else { return };
    for verb in ["apply", "create"] {
        let lease = world.lease("cart").await;
        world.admin_with_input(&[verb, "-f", "-"], &first().as_value().to_string()).await;
        let before = live(&world, &first()).await;
        let former = world.cluster.owned(&first().id()).await.unwrap().unwrap();
        let next = with(deployment("cart"), IMAGE, json!("registry.invalid/app:2"));
        let applied = world.cluster.apply(&lease, &next).await.unwrap();
        assert_eq!(at(&applied.object, ENV), None);
        let restored = world.cluster.restore(&lease, &former).await.unwrap().unwrap();
        assert_eq!(restored.change, Change::Configured);
        assert_eq!(at(&restored.object, "/spec"), at(&before, "/spec"), "{verb}");
        assert_eq!(restored.object.annotation("note"), before.annotation("note"));
        world.cluster.delete(&lease, &first().id()).await.unwrap();
        world.cluster.release(&lease).await.unwrap();
    }
}
