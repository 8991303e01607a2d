//! What a service may bring to the cluster.

use std::collections::BTreeSet;
use std::sync::Arc;

use nprt_core::model::{Object, Revision, Track};
use nprt_core::{Error, ErrorKind, Result};
use nprt_pipeline::{Pipeline, PipelineSettings, Progress, Service};
use serde_json::json;

use crate::world::{World, canary, deploy, manifests, request, shop};

fn pipeline(world: &World, allow: &[&str]) -> Result<Arc<Pipeline>> {
    let allow_kinds: BTreeSet<String> = allow.iter().map(|&kind| kind.to_owned()).collect();
    let service = Service { allow_kinds, ..Service::new(shop()) };
    let pipeline = Pipeline::new("test", world.clock.clone(), PipelineSettings::default()).unwrap();
    pipeline.with_service(service, world.ports()).map(Arc::new)
}

/// The manifests with `more` as their fifth object.
fn with(world: &World, more: &str) -> Revision {
    let revision = world.commit(&format!("{}---\n{more}\n", manifests(1, "")));
    world.push(&revision);
    revision
}

fn says(error: &Error, parts: &[&str]) {
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "{part:?} is not in {error}");
    }
}

#[tokio::test]
async fn what_rules_over_others_is_refused_before_anything_changes() {
    let world = World::new();
    let first = world.version(1);
    deploy(&world.pipeline(), &first).await.unwrap();
    let before = world.objects();
    for (api_version, kind, allow) in [
        ("v1", "Namespace", "add Namespace to `allow_kinds`"),
        ("v1", "PersistentVolume", "add PersistentVolume"),
        ("rbac.authorization.k8s.io/v1", "Role", "add rbac.authorization.k8s.io/Role"),
        ("rbac.authorization.k8s.io/v1beta1", "RoleBinding", "add rbac.authorization.k8s.io/RoleBinding"),
        (
            "rbac.authorization.k8s.io/v1",
            "ClusterRoleBinding",
            "rbac.authorization.k8s.io/ClusterRoleBinding",
        ),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "add apiextensions.k8s.io/CustomRes"),
        ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "Webhook"),
        ("authorization.openshift.io/v1", "RoleBinding", "add authorization.openshift.io/RoleBinding"),
    ] {
        let object = format!("{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: more}}}}");
        let revision = with(&world, &object);
        let (id, pipeline) = (format!("{kind}/more"), world.pipeline());
        for error in [
            deploy(&pipeline, &revision).await.unwrap_err(),
            canary(&pipeline, &revision).await.unwrap_err(),
            pipeline
                .preview(&shop(), &request(&revision), Track::Stable, &Progress::silent())
                .await
                .unwrap_err(),
        ] {
            says(
                &error,
                &[
                    "file: kubernetes/shop.yaml",
                    "document: 5",
                    &id,
                    "do not allow it",
                    allow,
                    "`allow_kinds`",
                ],
            );
        }
    }
    assert_eq!(world.objects(), before);
}

#[tokio::test]
async fn a_kind_that_only_the_cluster_knows_is_refused_where_it_has_no_namespace() {
    let world = World::new();
    for (scope, kind) in [("Cluster", "Gadget"), ("Namespaced", "Widget")] {
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{}s.example.com", kind.to_lowercase())},
            "spec": {"group": "example.com", "scope": scope, "names": {"kind": kind}}});
        world.cluster.apply_as("admin", &Object::new(definition).unwrap()).unwrap();
    }
    let more = |kind: &str| {
        with(&world, &format!("{{apiVersion: example.com/v1, kind: {kind}, metadata: {{name: x}}}}"))
    };
    let error = deploy(&world.pipeline(), &more("Gadget")).await.unwrap_err();
    says(&error, &["of the whole cluster", "document: 5", "Gadget/x", "add example.com/Gadget"]);
    assert!(world.runs().is_empty(), "nothing was changed");
    deploy(&world.pipeline(), &more("Widget")).await.unwrap();
    deploy(&pipeline(&world, &["example.com/Gadget"]).unwrap(), &more("Gadget")).await.unwrap();
}

#[tokio::test]
async fn what_the_settings_allow_is_applied() {
    let world = World::new();
    let role = "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: web}, rules: []}";
    let revision = with(&world, role);
    let others = pipeline(&world, &["Namespace", "rbac.authorization.k8s.io/RoleBinding"]).unwrap();
    says(&deploy(&others, &revision).await.unwrap_err(), &["Role/web"]);
    deploy(&pipeline(&world, &["rbac.authorization.k8s.io/Role"]).unwrap(), &revision).await.unwrap();
    assert!(world.objects().iter().any(|object| object.id().to_string() == "Role/shop/web"));
}

#[tokio::test]
async fn another_namespace_is_refused_whatever_is_allowed() {
    let world = World::new();
    let config = |namespace: &str| {
        with(
            &world,
            &format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: x, namespace: {namespace}}}}}"),
        )
    };
    let pipeline = pipeline(&world, &["ConfigMap", "Namespace"]).unwrap();
    let error = deploy(&pipeline, &config("kube-system")).await.unwrap_err();
    says(
        &error,
        &["another namespace", "kube-system", "expected: shop, or none", "document: 5", "ConfigMap"],
    );
    assert_eq!(world.objects(), []);
    deploy(&pipeline, &config("shop")).await.unwrap();
}

#[test]
fn a_setting_that_names_no_kind_is_refused() {
    let world = World::new();
    for bad in
        ["*", "rbac.authorization.k8s.io/*", "rbac.authorization.k8s.io/v1/Role", "roles", "/Namespace", ""]
    {
        let error = pipeline(&world, &[bad]).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains("allow_kinds"), "{bad}: {error}");
    }
    assert!(serde_json::from_str::<Service>(r#"{"name": "shop", "allow": ["Namespace"]}"#).is_err());
    let service = r#"{"name": "shop", "allow_kinds": ["Namespace"]}"#;
    assert_eq!(serde_json::from_str::<Service>(service).unwrap().allow_kinds.len(), 1);
}
