//! Kinds that give rights or are of the whole cluster, under the recommended roles.

use std::sync::Arc;

use nprt::pipeline::Service;
use nprt::{Error, ErrorKind};

use crate::world::{Process, World, manifests, shop};

const ROLE: &str = r#"
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get]}]
"#;

/// Binds a role of a file to nprt's account.
async fn bind(world: &World, file: &str, role: &str) {
    world.kubectl_with_input(&["apply", "--server-side", "-f", "-"], file).await;
    let account = format!("--serviceaccount={}:nprt", world.namespace);
    world.kubectl(&["create", "rolebinding", role, &format!("--clusterrole={role}"), &account]).await;
}

fn says(error: &Error, parts: &[&str]) {
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "{part:?} is not in {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_needs_the_setting_and_the_right() {
    let Some(world) = World::new("allowed").await else { return };
    let plain = world.process().await;
    let allow_kinds = ["rbac.authorization.k8s.io/Role".to_owned()].into();
    let allowed = world.process_of(Service { allow_kinds, ..Service::new(shop()) }).await;
    let revision = world.commit(&(manifests(1, "") + ROLE));

    let server = "is forbidden: User \"system:serviceaccount:";
    let unchanged = async |process: &Arc<Process>| {
        let error = process.deploy(&revision).await.unwrap_err();
        assert!(world.objects("deployments,configmaps,services,roles").await.is_empty(), "nothing changed");
        assert_eq!(process.operation().await, None);
        error
    };
    let error = unchanged(&plain).await;
    says(&error, &["add rbac.authorization.k8s.io/Role to `allow_kinds`", "shop.yaml", "document: 5"]);
    assert!(!error.to_string().contains(server), "the server was not asked: {error}");
    let error = unchanged(&allowed).await;
    says(&error, &[server, "cannot patch resource \"roles\"", "group \"rbac.authorization.k8s.io\""]);

    bind(&world, include_str!("../../nprt-k8s/role-extra.yaml"), "nprt-extra").await;
    says(&unchanged(&plain).await, &["`allow_kinds`"]);
    allowed.deploy(&revision).await.unwrap();
    assert_eq!(world.objects("roles").await.len(), 1);
    // Nobody gives what they do not have.
    let escalates = world.commit(&(manifests(2, "") + &ROLE.replace("verbs: [get]", "verbs: [impersonate]")));
    let before = world.objects("deployments,roles").await;
    let error = allowed.deploy(&escalates).await.unwrap_err();
    assert!(
        error.to_string().contains("Role/web") && error.to_string().contains("attempting to grant"),
        "{error}"
    );
    assert_eq!(world.objects("deployments,roles").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_namespace_is_refused_even_with_all_rights() {
    let Some(world) = World::new("scope").await else { return };
    let process = world.process_as(world.plane.kubeconfig(), Service::new(shop())).await;
    let group = format!("{}.example.com", world.namespace);
    for (kind, scope) in [("Gadget", "Cluster"), ("Widget", "Namespaced")] {
        let plural = format!("{}s", kind.to_lowercase());
        let definition = format!(
            r#"{{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {{name: {plural}.{group}}},
            spec: {{group: {group}, scope: {scope}, names: {{kind: {kind}, plural: {plural}}}, versions: [
            {{name: v1, served: true, storage: true, schema: {{openAPIV3Schema: {{type: object}}}}}}]}}}}"#
        );
        world.kubectl_with_input(&["apply", "--server-side", "-f", "-"], &definition).await;
        let crd = format!("crd/{plural}.{group}");
        world.kubectl(&["wait", "--for=condition=Established", &crd, "--timeout=30s"]).await;
    }
    let with = |api_version: &str, kind: &str, more: &str| {
        let object =
            format!("---\n{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: more{more}}}}}\n");
        world.commit(&(manifests(1, "") + &object))
    };
    let own = format!("{group}/v1");
    for (revision, said) in [
        (with(&own, "Gadget", ""), "of the whole cluster"),
        (with("v1", "Namespace", ""), "rules over more than the service"),
        (with("v1", "ConfigMap", ", namespace: kube-system"), "another namespace"),
    ] {
        let error = process.deploy(&revision).await.unwrap_err();
        says(&error, &[said, "document: 5"]);
        assert!(world.objects("deployments,configmaps,services").await.is_empty(), "nothing changed");
    }
    process.deploy(&with(&own, "Widget", "")).await.unwrap();
}
