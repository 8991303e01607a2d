//! Objects that their finalizers hold, and pods that keep their version.

use nprt_core::ErrorKind;
use nprt_core::model::Object;
use nprt_pipeline::{Progress, Rollback};
use serde_json::{Value, json};

use crate::world::{World, caller, canary, deploy, manifests, promote, shop};

/// Another writer's change of the finalizers of an object.
fn set_finalizers(world: &World, kind: &str, name: &str, finalizers: &Value) {
    let found = world.objects().into_iter().find(|object| object.kind() == kind && object.name() == name);
    let found = found.unwrap();
    let change = json!({"apiVersion": found.api_version(), "kind": kind,
        "metadata": {"name": name, "finalizers": finalizers}});
    let mut change = Object::new(change).unwrap();
    if finalizers.is_null() {
        change.as_value_mut()["metadata"].as_object_mut().unwrap().remove("finalizers");
    }
    let mut whole = found.as_value().clone();
    whole["metadata"]["finalizers"] = finalizers.clone();
    let object = if kind == "ConfigMap" { change } else { Object::new(whole).unwrap() };
    world.cluster.apply_as("controller", &object).unwrap();
}

async fn rollback(world: &World) -> Rollback {
    world.pipeline().rollback(&shop(), &caller(), &Progress::silent()).await.unwrap()
}

#[tokio::test]
async fn a_rollback_names_them_and_blocks_nothing() {
    let world = World::new();
    let pipeline = world.pipeline();
    let [first, second, third] = [1, 2, 3].map(|n| world.version(n));
    deploy(&pipeline, &first).await.unwrap();
    canary(&pipeline, &second).await.unwrap();
    set_finalizers(&world, "Deployment", "web-canary", &json!(["example.com/hold"]));
    let done = rollback(&world).await;
    assert!(done.warnings[0].contains("web-canary is marked as deleted"), "{done:?}");
    assert!(done.warnings[0].contains("example.com/hold"), "{done:?}");
    assert_eq!((done.warnings.len(), done.canary.unwrap().revision), (1, Some(second.clone())));
    let status = pipeline.status(&shop()).await.unwrap();
    assert!(status.canary.is_none() && status.operation.is_none(), "{status:?}");
    assert!(pipeline.tend(&shop(), &caller(), &Progress::silent()).await.unwrap().scaled.is_empty());

    let error = canary(&pipeline, &third).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("example.com/hold"), "{error}");
    let error = promote(&pipeline, &second).await.unwrap_err();
    assert!(error.to_string().contains("rolled back"), "{error}");
    let done = deploy(&pipeline, &third).await.unwrap();
    assert!(done.warnings.iter().any(|warning| warning.contains("example.com/hold")), "{done:?}");

    set_finalizers(&world, "Deployment", "web-canary", &json!([]));
    assert!(world.workload("web-canary").is_none(), "it went with its finalizer");
    canary(&pipeline, &world.version(4)).await.unwrap();
}

#[tokio::test]
async fn those_of_the_manifests_are_not_the_canarys() {
    let world = World::new();
    let pipeline = world.pipeline();
    let held = |n| {
        let all = manifests(n, "").replace(
            "metadata: {name: web}\n",
            "metadata: {name: web, finalizers: [example.com/hold], \
             ownerReferences: [{apiVersion: v1, kind: Pod, name: a, uid: b}]}\n",
        );
        let revision = world.commit(&all);
        world.push(&revision);
        revision
    };
    deploy(&pipeline, &held(1)).await.unwrap();
    canary(&pipeline, &held(2)).await.unwrap();
    let canary = world.objects().into_iter().filter(|object| object.name() == "web-canary");
    for object in canary {
        let metadata = &object.as_value()["metadata"];
        assert!(metadata["finalizers"].is_null() && metadata["ownerReferences"].is_null(), "{object:?}");
    }
    let done = rollback(&world).await;
    assert_eq!(done.warnings, Vec::<String>::new());
}

#[tokio::test]
async fn pods_that_nobody_deletes_are_a_warning() {
    let world = World::new();
    let pipeline = world.pipeline();
    let version = |n, behaviour: &str| {
        let set = format!(
            "---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: db}}\nspec:\n  serviceName: db\n  \
             updateStrategy: {{type: OnDelete}}\n  selector: {{matchLabels: {{app: db}}}}\n  template:\n    \
             metadata: {{labels: {{app: db}}, annotations: {{sim/behaviour: \"{behaviour}\"}}}}\n    \
             spec: {{containers: [{{name: db, image: {}}}]}}\n",
            crate::world::WORKER
        );
        let revision = world.commit(&(manifests(n, "") + &set));
        world.push(&revision);
        revision
    };
    let [first, second, third] = [version(1, ""), version(2, "crash-loop"), version(3, "")];
    let done = deploy(&pipeline, &first).await.unwrap();
    assert_eq!(done.warnings, Vec::<String>::new());
    let done = deploy(&pipeline, &second).await.unwrap();
    assert!(done.warnings.iter().any(|warning| warning.contains("/db: 1 pod keeps its version")), "{done:?}");
    canary(&pipeline, &third).await.unwrap();
    let done = promote(&pipeline, &third).await.unwrap();
    assert!(done.warnings.iter().any(|warning| warning.contains("OnDelete")), "{done:?}");
}

#[tokio::test]
async fn a_job_that_cannot_change_says_what_to_do() {
    let world = World::new();
    let pipeline = world.pipeline();
    let version = |n| {
        let job = format!(
            "---\napiVersion: batch/v1\nkind: Job\nmetadata: {{name: mig}}\nspec: {{template: {{spec: \
             {{restartPolicy: Never, containers: [{{name: c, image: {}}}]}}}}}}\n",
            crate::world::WORKER
        );
        let revision = world.commit(&(manifests(n, "") + &job));
        world.push(&revision);
        revision
    };
    deploy(&pipeline, &version(1)).await.unwrap();
    let error = deploy(&pipeline, &version(2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
    for words in ["/mig", "spec.template", "nprt.dev/run", "kubectl delete job mig"] {
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
}

/// A definition of gadgets, and one of them.
fn gadget(size: &str) -> String {
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "gadgets.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": {"kind": "Gadget", "plural": "gadgets"},
            "versions": [{"name": "v1", "served": true, "storage": true}]}});
    let gadget = json!({"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": size},
        "spec": {"size": size}});
    format!("---\n{gadget}\n---\n{definition}\n")
}

#[tokio::test]
async fn a_definition_and_an_object_of_its_kind_come_together() {
    let world = World::new();
    let allow_kinds = ["apiextensions.k8s.io/CustomResourceDefinition".to_owned()].into();
    let service = nprt_pipeline::Service { allow_kinds, ..nprt_pipeline::Service::new(shop()) };
    let pipeline = world.pipeline_of(service, world.ports());
    let first = world.version(1);
    deploy(&pipeline, &first).await.unwrap();
    let commit = |all: String| {
        let revision = world.commit(&all);
        world.push(&revision);
        revision
    };
    let gadgets = || world.objects().iter().filter(|object| object.kind() == "Gadget").count();
    // A rollout that fails takes the object back, and leaves the definition.
    deploy(&pipeline, &commit(manifests(2, "crash-loop") + &gadget("s"))).await.unwrap_err();
    assert_eq!(gadgets(), 0);
    assert!(world.objects().iter().any(|object| object.kind() == "CustomResourceDefinition"));

    let other = commit(manifests(3, "") + &gadget("s").replace("adget", "izmo"));
    let done = deploy(&pipeline, &other).await.unwrap();
    assert!(
        done.warnings.iter().any(|warning| warning.contains("gizmos.example.com is applied")),
        "{done:?}"
    );
    assert_eq!(world.objects().iter().filter(|object| object.kind() == "Gizmo").count(), 1);

    // A kind that nothing defines is refused as before.
    let unknown = gadget("s").replacen("example.com/v1", "other.example.com/v1", 1);
    let error = deploy(&pipeline, &commit(manifests(4, "") + &unknown)).await.unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("Gadget"), "{error}");
}
