//! A default of the server's that nobody owns does not keep the manifest from choosing another member of a union.

use nprt_core::model::Object;
use nprt_core::ports::{Change, Cluster};
use serde_json::{Value, json};

use crate::world::{World, deployment, object, with};

fn workload(kind: &str, name: &str) -> Object {
    let object = with(deployment(name), "/kind", json!(kind));
    let mut value = object.into_value();
    let spec = value["spec"].as_object_mut().unwrap();
    spec.remove("progressDeadlineSeconds");
    if kind == "DaemonSet" {
        spec.remove("replicas");
    }
    self::object(value)
}

fn service(spec: Value) -> Object {
    let mut spec = spec;
    spec["selector"] = json!({"app": "service"});
    spec["ports"] = json!([{"port": 80}]);
    object(json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "service", "labels": {"nprt.dev/service": "cart"}}, "spec": spec}))
}

/// An object before and after, and a field that is gone then.
fn changes() -> Vec<(Object, Object, &'static str)> {
    let recreate = |name: &str, strategy: Value| {
        let old = workload("Deployment", name);
        (old.clone(), with(old, "/spec/strategy", strategy), "/spec/strategy/rollingUpdate")
    };
    let volumes = |volume: Value| {
        with(workload("Deployment", "volume"), "/spec/template/spec/volumes", json!([volume]))
    };
    let on_delete = |kind: &str, name: &str| {
        let old = workload(kind, name);
        (old.clone(), with(old, "/spec/updateStrategy", json!({"type": "OnDelete"})), "/spec/none")
    };
    let two_ports = json!([{"name": "w", "image": "registry.invalid/w:1"},
        {"name": "app", "image": "registry.invalid/app:1", "ports": [{"containerPort": 80}]}]);
    let second = |source: Value| {
        let pod = with(workload("Deployment", "second"), "/spec/template/spec/containers", two_ports.clone());
        with(pod, "/spec/template/spec/volumes", json!([{"name": "a", "emptyDir": {}}, source]))
    };
    vec![
        recreate("recreate", json!({"type": "Recreate"})),
        recreate("null", json!({"type": "Recreate", "rollingUpdate": null})),
        (
            volumes(json!({"name": "v"})),
            volumes(json!({"name": "v", "secret": {"secretName": "x", "optional": true}})),
            "/spec/template/spec/volumes/0/emptyDir",
        ),
        (
            second(json!({"name": "b"})),
            second(json!({"name": "b", "configMap": {"name": "x", "optional": true}})),
            "/spec/template/spec/volumes/1/emptyDir",
        ),
        on_delete("StatefulSet", "stateful"),
        on_delete("DaemonSet", "daemon"),
        (
            service(json!({"sessionAffinity": "ClientIP"})),
            service(json!({"sessionAffinity": "None"})),
            "/spec/sessionAffinityConfig",
        ),
    ]
}

#[tokio::test]
async fn another_member_of_a_union_can_be_chosen() {
    let Some(world) = World::new("unions").await else { return };
    let lease = world.lease("cart").await;
    let change = async |(old, new, gone): (Object, Object, &'static str)| {
        let what = format!("{} {gone}", new.id());
        world.cluster.apply(&lease, &old).await.unwrap();
        let dry = world.cluster.dry_run(&new).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        let applied =
            world.cluster.apply(&lease, &new).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!((dry.change, applied.change), (Change::Configured, Change::Configured), "{what}");
        assert!(dry.adopts.is_empty(), "{what}: nobody had it");
        for object in [&dry.object, &applied.object] {
            assert_eq!(object.as_value().pointer(gone), None, "{what}");
        }
        assert_eq!(dry.object.as_value()["spec"], applied.object.as_value()["spec"], "{what}");
        assert_eq!(world.cluster.dry_run(&new).await.unwrap().change, Change::Unchanged, "{what}");
        // And back.
        world.cluster.apply(&lease, &old).await.unwrap_or_else(|error| panic!("{what}: {error}"));
    };
    futures_util::future::join_all(changes().into_iter().map(change)).await;
}

/// What is refused for another reason stays refused, with the server's reason.
#[tokio::test]
async fn what_is_really_wrong_is_still_refused() {
    let Some(world) = World::new("union-wrong").await else { return };
    let lease = world.lease("cart").await;
    let old = workload("Deployment", "wrong");
    world.cluster.apply(&lease, &old).await.unwrap();
    let both = json!({"type": "Recreate", "rollingUpdate": {"maxSurge": 1}});
    let selector = json!({"matchLabels": {"app": "other"}});
    for (wrong, field) in [
        (with(old.clone(), "/spec/strategy", both), "spec.strategy.rollingUpdate"),
        (with(old.clone(), "/spec/selector", selector), "spec.selector"),
        (with(old.clone(), "/spec/replicas", json!(-1)), "spec.replicas"),
    ] {
        for refusal in [world.cluster.dry_run(&wrong).await, world.cluster.apply(&lease, &wrong).await] {
            let error = refusal.unwrap_err();
            assert!(error.to_string().contains(field), "{field}: {error}");
        }
    }
    let live = world.cluster.get(&old.id()).await.unwrap().unwrap();
    assert_eq!(live.as_value()["spec"]["strategy"]["type"], "RollingUpdate");
    assert_eq!(world.cluster.dry_run(&old).await.unwrap().change, Change::Unchanged, "no owner changed");
}
