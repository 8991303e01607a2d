//! Edits that replace an entry, over objects that other tools made: the dry run says what the apply then does.

use nprt_core::model::Object;
use nprt_core::ports::{Change, Cluster};
use serde_json::{Value, json};

use crate::world::{World, object};

/// How each tool makes an object.
const TOOLS: [(&str, &[&str]); 5] = [
    ("kubectl-client-side-apply", &["apply"]),
    ("kubectl", &["apply", "--server-side"]),
    ("kubectl-create", &["create"]),
    ("helm", &["create", "--field-manager=helm"]),
    ("helm", &["apply", "--server-side", "--field-manager=helm"]),
];

/// A Deployment of one container with `fields`, a pod with `pod`, and a spec with `more`.
fn deployment(name: &str, [fields, pod, more]: [Value; 3]) -> Object {
    let mut container = json!({"name": "c", "image": "registry.invalid/app:1"});
    extend(&mut container, fields);
    let mut template = json!({"terminationGracePeriodSeconds": 1, "containers": [container]});
    extend(&mut template, pod);
    let mut spec = json!({"replicas": 1, "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": template}});
    extend(&mut spec, more);
    object(json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}))
}

fn extend(value: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!("expected a map: {more}") };
    value.as_object_mut().unwrap().extend(more);
}

fn service(name: &str, spec: Value) -> Object {
    let mut spec = spec;
    spec["selector"] = json!({"app": name});
    object(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}))
}

/// An object before and after, by name: `old` is what the other tool made.
fn edits(prefix: &str) -> Vec<(Object, Object)> {
    let none = || json!({});
    let container = |name: &str, old: Value, new: Value| {
        let name = format!("{prefix}-{name}");
        (deployment(&name, [old, none(), none()]), deployment(&name, [new, none(), none()]))
    };
    let pod = |name: &str, old: Value, new: Value| {
        let name = format!("{prefix}-{name}");
        (deployment(&name, [none(), old, none()]), deployment(&name, [none(), new, none()]))
    };
    let name = format!("{prefix}-strategy");
    let recreate = json!({"strategy": {"type": "Recreate"}});
    let strategy =
        (deployment(&name, [none(), none(), none()]), deployment(&name, [none(), none(), recreate]));
    let ports = |name: &str, old: Value, new: Value| {
        let name = format!("{prefix}-{name}");
        (service(&name, old), service(&name, new))
    };
    let from = json!({"fieldRef": {"fieldPath": "metadata.name"}});
    let http = json!({"httpGet": {"path": "/", "port": 80}});
    let volume = |source: Value| {
        let mut volume = json!({"name": "v"});
        extend(&mut volume, source);
        json!({"volumes": [volume]})
    };
    vec![
        container(
            "port",
            json!({"ports": [{"name": "http", "containerPort": 80}]}),
            json!({"ports": [{"name": "http", "containerPort": 8080}]}),
        ),
        container(
            "protocol",
            json!({"ports": [{"name": "dns", "containerPort": 53, "protocol": "UDP"}]}),
            json!({"ports": [{"name": "dns", "containerPort": 53}]}),
        ),
        container(
            "probe",
            json!({"livenessProbe": http}),
            json!({"livenessProbe": {"exec": {"command": ["x"]}}}),
        ),
        container(
            "hook",
            json!({"lifecycle": {"preStop": http}}),
            json!({"lifecycle": {"preStop": {"exec": {"command": ["x"]}}}}),
        ),
        container(
            "env",
            json!({"env": [{"name": "A", "value": "1"}, {"name": "GONE", "value": "1"}]}),
            json!({"env": [{"name": "A", "valueFrom": from}]}),
        ),
        container(
            "order",
            json!({"env": [{"name": "B", "value": "1"}, {"name": "A", "value": "1"}]}),
            json!({"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}, {"name": "C", "value": "$(A)"}]}),
        ),
        pod(
            "volume",
            volume(json!({"emptyDir": {}})),
            volume(json!({"secret": {"secretName": "x", "optional": true}})),
        ),
        strategy,
        pod(
            "init",
            json!({"initContainers": [{"name": "a", "image": "registry.invalid/a:1"}]}),
            json!({"initContainers": [{"name": "b", "image": "registry.invalid/a:1"}]}),
        ),
        ports(
            "number",
            json!({"ports": [{"name": "http", "port": 80, "targetPort": 8080}]}),
            json!({"ports": [{"name": "http", "port": 8080, "targetPort": 8080}]}),
        ),
        ports(
            "affinity",
            json!({"ports": [{"port": 80}], "sessionAffinity": "ClientIP"}),
            json!({"ports": [{"port": 80}]}),
        ),
        ports("type", json!({"ports": [{"port": 80}], "type": "NodePort"}), json!({"ports": [{"port": 80}]})),
    ]
}

/// What the manifest decides of an object as the server has it.
fn content(object: &Object) -> Value {
    let value = object.as_value();
    let kept = ["labels", "annotations", "finalizers"].map(|field| value["metadata"][field].clone());
    // Whether the Deployment's controller has written its annotation already is a matter of time.
    let [labels, mut annotations, finalizers] = kept;
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.remove("deployment.kubernetes.io/revision");
    }
    let annotations = annotations.as_object().filter(|annotations| !annotations.is_empty()).cloned();
    json!([value["spec"], value["data"], labels, annotations, finalizers])
}

#[tokio::test]
async fn entries_that_other_tools_made_are_replaced_and_the_dry_run_says_so() {
    let Some(world) = World::new("replaced").await else { return };
    let lease = world.lease("cart").await;
    for (n, (manager, command)) in TOOLS.into_iter().enumerate() {
        let edits = edits(&format!("t{n}"));
        let made: Vec<&Value> = edits.iter().map(|(old, _)| old.as_value()).collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": made});
        world.admin_with_input(&[command, &["-f", "-"]].concat(), &list.to_string()).await;
        let edit = async |new: &Object| {
            let what = format!("{command:?} {}", new.id());
            // The controllers write at first: the dry run and the apply should see one object.
            let dry = world.cluster.dry_run(new).await.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(dry.change, Change::Configured, "{what}");
            assert_eq!(dry.adopts, [manager], "{what}");
            let applied =
                world.cluster.apply(&lease, new).await.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(applied.adopts, [manager], "{what}");
            assert_eq!(content(&dry.object), content(&applied.object), "{what}");
            let again = world.cluster.dry_run(new).await.unwrap();
            assert_eq!((again.change, again.adopts), (Change::Unchanged, Vec::new()), "{what}");
        };
        futures_util::future::join_all(edits.iter().map(|(_, new)| edit(new))).await;
    }
}

/// What a person changed before is taken where the manifest names it, and stays where it does not.
#[tokio::test]
async fn what_people_changed_before_the_first_apply_gives_way_to_the_manifest() {
    let Some(world) = World::new("people").await else { return };
    let lease = world.lease("cart").await;
    let made = deployment("cart", [json!({"env": [{"name": "A", "value": "1"}]}), json!({}), json!({})]);
    world.admin_with_input(&["apply", "-f", "-"], &made.as_value().to_string()).await;
    world.admin(&["set", "image", "deployment/cart", "c=registry.invalid/app:hotfix"]).await;
    world.admin(&["set", "env", "deployment/cart", "A=2", "DEBUG=1"]).await;
    world.admin(&["scale", "deployment/cart", "--replicas=2"]).await;
    let dry = world.cluster.dry_run(&made).await.unwrap();
    assert_eq!(dry.adopts, ["kubectl", "kubectl-client-side-apply", "kubectl-set"]);
    let applied = world.cluster.apply(&lease, &made).await.unwrap().object;
    assert_eq!(content(&dry.object), content(&applied));
    assert_eq!(applied.as_value()["spec"]["replicas"], 1);
    let container = &applied.as_value()["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "registry.invalid/app:1");
    let env = json!([{"name": "A", "value": "1"}, {"name": "DEBUG", "value": "1"}]);
    assert_eq!(container["env"], env, "what the manifest does not name stays");
    // Once the object is ours, the same is a conflict.
    world.admin(&["set", "image", "deployment/cart", "c=registry.invalid/app:hotfix"]).await;
    let refusals = [world.cluster.dry_run(&made).await, world.cluster.apply(&lease, &made).await];
    for refusal in refusals {
        let error = refusal.unwrap_err();
        assert!(error.is_conflict() && error.to_string().contains("kubectl-set"), "{error}");
    }
}
