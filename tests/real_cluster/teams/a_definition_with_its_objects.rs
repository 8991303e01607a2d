//! A definition of a kind and objects of that kind in one version: the objects are validated once the definition is
//! there, before anything else changes.

use std::sync::Arc;

use nprt::ErrorKind;
use nprt::model::Track;
use nprt::pipeline::Service;
use nprt::ports::Change;

use crate::answer::Answer as _;
use crate::process::Process;
use crate::world::{World, manifests, shop};

/// A definition of the kind `kind`, which is the test's own: definitions are of the whole cluster. Its objects may have
/// `fields`.
fn definition(kind: &str, scope: &str, fields: &[&str]) -> String {
    let plural = format!("{}s", kind.to_lowercase());
    let fields: Vec<String> = fields.iter().map(|field| format!("{field}: {{type: string}}")).collect();
    format!(
        "
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: {plural}.teams.example.com}}
spec:
  group: teams.example.com
  scope: {scope}
  names: {{kind: {kind}, plural: {plural}, singular: {singular}}}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {{openAPIV3Schema: {{type: object, properties: {{spec: {{type: object, properties: {{{fields}}}}}}}}}}}
",
        singular = kind.to_lowercase(),
        fields = fields.join(", ")
    )
}

fn object(kind: &str, field: &str, value: &str) -> String {
    format!(
        "
---
apiVersion: teams.example.com/v1
kind: {kind}
metadata: {{name: one}}
spec: {{{field}: {value}}}
"
    )
}

/// nprt with the rights that this needs.
async fn process(world: &World, more: &str) -> Arc<Process> {
    let kinds = ["apiextensions.k8s.io/CustomResourceDefinition", more];
    let allow_kinds = kinds.map(str::to_owned).into();
    world.process_as(world.plane.kubeconfig(), Service { allow_kinds, ..Service::new(shop()) }).await
}

const UNUSED: &str = "teams.example.com/Unused";

#[tokio::test(flavor = "multi_thread")]
async fn both_come_in_one_deploy_and_a_changed_definition_with_what_needs_it() {
    let Some(world) = World::new("definition").await else { return };
    let nprt = process(&world, UNUSED).await;
    // The object comes first in the manifests.
    let first =
        manifests(1, "") + &object("Gear", "size", "small") + &definition("Gear", "Namespaced", &["size"]);
    let first = world.commit(&first);
    let seen = nprt.preview(&first, Track::Stable).await.unwrap();
    assert!(seen.objects.iter().all(|object| object.change == Change::Created), "{seen:?}");
    let unseen = ["Gear/", "is validated once its definition gears.teams.example.com is applied"];
    assert!(unseen.iter().all(|word| seen.warnings.join("; ").contains(word)), "{:?}", seen.warnings);
    assert!(world.objects("deployments").await.is_empty());
    nprt.deploy(&first).await.warned(&["Gear/"]);
    assert_eq!(world.object("gear/one").await["spec"]["size"], "small");
    nprt.deploy(&first).await.warned(&[]);

    let changed = definition("Gear", "Namespaced", &["size", "colour"]);
    let second = world.commit(&(manifests(2, "") + &changed + &object("Gear", "colour", "red")));
    nprt.deploy(&second).await.warned(&["Gear/"]);
    assert_eq!(world.object("gear/one").await["spec"]["colour"], "red");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_the_definition_refuses_changes_nothing_else() {
    let Some(world) = World::new("definition-bad").await else { return };
    let nprt = process(&world, UNUSED).await;
    nprt.deploy(&world.commit(&manifests(1, ""))).await.accepted();
    let bad = definition("Wheel", "Namespaced", &["size"]) + &object("Wheel", "colour", "red");
    let error =
        nprt.deploy(&world.commit(&(manifests(2, "") + &bad))).await.refused_with(&["colour", "undone"]);
    assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
    assert_eq!(world.object("configmap/web").await["data"]["n"], "1");
    assert_eq!(nprt.operation().await, None);
    let kept = world.kubectl(&["get", "crd", "wheels.teams.example.com", "-o", "name"]).await;
    assert!(kept.contains("wheels"), "definitions stay");
    // Now the definition is there: the same is refused before anything changes, and what is right comes.
    let right = definition("Wheel", "Namespaced", &["size"]) + &object("Wheel", "size", "small");
    nprt.deploy(&world.commit(&(manifests(3, "") + &right))).await.accepted();
    assert_eq!(world.object("wheel/one").await["spec"]["size"], "small");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_withholds_both_and_its_promotion_brings_them() {
    let Some(world) = World::new("definition-canary").await else { return };
    let nprt = process(&world, UNUSED).await;
    nprt.deploy(&world.commit(&manifests(1, ""))).await.accepted();
    let both = definition("Bolt", "Namespaced", &["size"]) + &object("Bolt", "size", "small");
    let second = world.commit(&(manifests(2, "") + &both));
    let done = nprt.canary(&second).await.accepted();
    assert!(done.withheld.iter().any(|id| id.kind == "Bolt"), "{done:?}");
    let none =
        world.kubectl(&["get", "crd", "bolts.teams.example.com", "--ignore-not-found", "-o", "name"]).await;
    assert_eq!(none, "");
    nprt.promote(&second).await.accepted();
    assert_eq!(world.object("bolt/one").await["spec"]["size"], "small");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_the_whole_cluster_and_a_failed_rollout() {
    let Some(world) = World::new("definition-wide").await else { return };
    let wide = definition("Crane", "Cluster", &["size"]) + &object("Crane", "size", "small");
    let version = world.commit(&(manifests(1, "") + &wide));
    process(&world, UNUSED)
        .await
        .deploy(&version)
        .await
        .refused_with(&["of the whole cluster", "allow_kinds"]);
    let nprt = process(&world, "teams.example.com/Crane").await;
    let bad =
        manifests(1, "crash-loop").replace("  replicas: 2", "  replicas: 2\n  progressDeadlineSeconds: 3");
    nprt.deploy(&world.commit(&(bad + &wide))).await.refused_with(&["CrashLoopBackOff", "undone"]);
    let left = world.kubectl(&["get", "cranes", "-o", "name"]).await;
    assert_eq!(left, "", "the object was made by the deploy, and goes with it");
    nprt.deploy(&version).await.accepted();
    assert!(world.kubectl(&["get", "cranes", "-o", "name"]).await.contains("one"));
}
