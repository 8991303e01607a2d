//! What the server would have as it is counts as unchanged, and is not written, however the manifest says it.

use nprt_core::model::Object;
use nprt_core::ports::{Change, Cluster};
use serde_json::{Value, json};

use crate::world::{World, deployment, object, with};

fn of(api_version: &str, kind: &str, name: &str, rest: Value) -> Object {
    let mut value = json!({"apiVersion": api_version, "kind": kind,
        "metadata": {"name": name, "labels": {"nprt.dev/service": "cart"}}});
    let Value::Object(rest) = rest else { panic!("expected a map: {rest}") };
    value.as_object_mut().unwrap().extend(rest);
    object(value)
}

/// Objects as manifests have them, which the server spells otherwise.
fn objects() -> Vec<Object> {
    let container = json!([{"name": "app", "image": "registry.invalid/app:1", "args": [], "command": null,
        "env": [{"name": "EMPTY", "value": ""}, {"name": "NULL", "value": null}],
        "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}, "requests": {"cpu": 0.5}}}]);
    let spelled = with(deployment("cart"), "/spec/template/spec/containers", container);
    let spelled = with(spelled, "/spec/template/spec/volumes", json!([]));
    let spelled = with(spelled, "/spec/template/metadata/annotations", json!({}));
    vec![
        spelled,
        of(
            "autoscaling/v1",
            "HorizontalPodAutoscaler",
            "old",
            json!({"spec": {"minReplicas": 2, "maxReplicas": 3,
            "targetCPUUtilizationPercentage": 50,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "nothing"}}}),
        ),
        of(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "new",
            json!({"spec": {"maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "nothing"}}}),
        ),
        // Denies all: the server writes it again with each apply that changes nothing.
        of(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "deny",
            json!({"spec": {"podSelector": {}, "ingress": []}}),
        ),
        of(
            "networking.k8s.io/v1",
            "Ingress",
            "ingress",
            json!({"spec": {"rules": [{"host": "a.example.com", "http":
            {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "x", "port": {"number": 80}}}}]}}]}}),
        ),
        of(
            "policy/v1",
            "PodDisruptionBudget",
            "budget",
            json!({"spec": {"minAvailable": "50%", "selector": {}}}),
        ),
        of(
            "v1",
            "Service",
            "service",
            json!({"spec": {"selector": {"app": "x"},
            "ports": [{"name": "a", "port": 53, "protocol": "UDP"}, {"name": "b", "port": 53, "targetPort": "http"}]}}),
        ),
        of("v1", "Secret", "secret", json!({"data": {"a": "YQ=="}, "stringData": {"b": "b"}})),
        of("v1", "ConfigMap", "config", json!({"data": {}, "binaryData": null})),
        of(
            "batch/v1",
            "CronJob",
            "cron",
            json!({"spec": {"schedule": "1 1 1 1 1", "jobTemplate": {"spec": {"template":
            {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "registry.invalid/app:1",
                "resources": {"limits": {"cpu": "0.10"}}}]}}}}}}),
        ),
    ]
}

fn version(object: &Object) -> Value {
    object.as_value()["metadata"]["resourceVersion"].clone()
}

/// Deploys as a pipeline does: a lease, a list, dry runs, applies.
async fn deploy(world: &World, objects: &[Object]) -> Vec<(Change, Change, Value)> {
    let lease = world.lease("cart").await;
    world.cluster.list(&lease.service).await.unwrap();
    let mut done = Vec::new();
    for object in objects {
        let dry = world.cluster.dry_run(object).await.unwrap();
        let applied = world.cluster.apply(&lease, object).await.unwrap();
        let live = world.cluster.get(&object.id()).await.unwrap().unwrap();
        done.push((dry.change, applied.change, version(&live)));
    }
    world.cluster.release(&lease).await.unwrap();
    done
}

#[tokio::test]
async fn what_stays_as_it_is_is_unchanged_and_not_written() {
    let Some(world) = World::new("unchanged").await else { return };
    let objects = objects();
    deploy(&world, &objects).await;
    // Conditions of an autoscaler are an annotation in its first version.
    let status = r#"{"status": {"conditions": [{"type": "AbleToScale", "status": "True", "reason": "x", "message": "x"}]}}"#;
    world.admin(&["patch", "hpa", "old", "--subresource=status", "--type=merge", "-p", status]).await;
    let mut versions: Vec<Value> = Vec::new();
    for round in 0..3 {
        let done = deploy(&world, &objects).await;
        for (object, (dry, applied, _)) in objects.iter().zip(&done) {
            let expected = (&Change::Unchanged, &Change::Unchanged);
            assert_eq!((dry, applied), expected, "{round}: {}", object.id());
        }
        let now: Vec<Value> = done.into_iter().map(|(_, _, version)| version).collect();
        for ((object, now), before) in objects.iter().zip(&now).zip(&versions) {
            // Controllers write the status of these, and of a Deployment its progress.
            if !matches!(object.kind(), "HorizontalPodAutoscaler" | "Deployment" | "PodDisruptionBudget") {
                assert_eq!(now, before, "{round}: {} was written", object.id());
            }
        }
        versions = now;
    }
}

/// A definition, and an object of each of its versions.
#[tokio::test]
async fn definitions_and_their_objects_are_not_written_again() {
    let Some(world) = World::new("unchanged-crd").await else { return };
    let group = format!("{}.example.com", world.namespace);
    let schema = json!({"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "properties":
        {"a": {"type": "string"}, "size": {"type": "integer", "default": 3}, "port": {"x-kubernetes-int-or-string": true},
         "list": {"type": "array", "items": {"type": "string"}}}}}}});
    let of_version = |name: &str, storage: bool| json!({"name": name, "served": true, "storage": storage, "schema": schema});
    let definition =
        object(json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("things.{group}"), "labels": {"nprt.dev/service": "cart"}},
        "spec": {"group": group, "scope": "Namespaced", "names": {"kind": "Thing", "plural": "things"},
            "versions": [of_version("v1", true), of_version("v1beta1", false)]}}));
    let cluster = world.as_admin().await;
    let deploy = async |objects: &[Object]| {
        let lease = cluster
            .acquire(&crate::world::request("cart", "test", nprt_core::ports::Takeover::WhenExpired))
            .await
            .unwrap();
        cluster.list(&lease.service).await.unwrap();
        let mut done = Vec::new();
        for object in objects {
            let dry = cluster.dry_run(object).await.unwrap();
            let applied = cluster.apply(&lease, object).await.unwrap();
            done.push((dry.change, applied.change, version(&applied.object)));
        }
        cluster.release(&lease).await.unwrap();
        done
    };
    let definition = [definition];
    deploy(&definition).await;
    world
        .admin(&["wait", "--for=condition=Established", &format!("crd/things.{group}"), "--timeout=30s"])
        .await;
    let thing = |version: &str| {
        of(
            &format!("{group}/{version}"),
            "Thing",
            version,
            json!({"spec": {"a": "x", "port": "80", "list": []}}),
        )
    };
    let all = [definition[0].clone(), thing("v1"), thing("v1beta1")];
    let mut before = deploy(&all).await;
    for _ in 0..2 {
        let now = deploy(&all).await;
        for ((object, now), before) in all.iter().zip(&now).zip(&before) {
            assert_eq!((now.0, now.1), (Change::Unchanged, Change::Unchanged), "{}", object.id());
            assert_eq!(now.2, before.2, "{} was written", object.id());
        }
        before = now;
    }
    world.admin(&["delete", "crd", &format!("things.{group}")]).await;
}
