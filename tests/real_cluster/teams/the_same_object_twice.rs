//! The same object twice, by mistake: refused with both places before anything changes.

use nprt::model::{RepoPath, SourceFile};

use crate::answer::Answer as _;
use crate::world::{World, manifests};

fn map(api_version: &str, namespace: &str) -> String {
    let namespace = if namespace.is_empty() { String::new() } else { format!(", namespace: {namespace}") };
    format!("apiVersion: {api_version}\nkind: ConfigMap\nmetadata: {{name: twin{namespace}}}\n")
}

fn scaler(version: &str) -> String {
    format!(
        "apiVersion: autoscaling/{version}\nkind: HorizontalPodAutoscaler\nmetadata: {{name: web}}\nspec: {{maxReplicas: 3, \
         scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}}}\n"
    )
}

fn role(namespace: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: twin{namespace}}}\nrules: []\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_refused_with_both_places() {
    let Some(world) = World::new("twins").await else { return };
    let mut service = nprt::pipeline::Service::new(crate::world::shop());
    service.allow_kinds = ["rbac.authorization.k8s.io/ClusterRole".to_owned()].into();
    let nprt = world.process_of(service).await;
    let own = world.namespace.clone();
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n- {{apiVersion: v1, kind: ConfigMap, metadata: {{name: twin, namespace: {own}}}}}\n"
    );
    let json = format!(
        r#"{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "twin", "namespace": "{own}"}}}}"#
    );
    let cases = [
        ("with and without its namespace", "b.yaml", map("v1", ""), map("v1", &own)),
        ("in a List", "b.yaml", map("v1", ""), list),
        ("by two versions of its API", "b.yaml", scaler("v1"), scaler("v2")),
        ("of the whole cluster", "b.yaml", role(""), role(&format!(", namespace: {own}"))),
        ("spelled the same", "b.yaml", map("v1", &own), map("v1", &own)),
        ("in a JSON file", "b.json", map("v1", ""), json),
    ];
    let file = |path: &str, content: &str| SourceFile {
        path: RepoPath::new(path).unwrap(),
        content: content.to_owned().into(),
    };
    for (case, second, a, b) in cases {
        let nothing = file("b.yaml", "# nothing\n");
        let files = [nothing, file("a.yaml", &a), file(second, &b), file("shop.yaml", &manifests(1, ""))];
        let images = ["registry.invalid/shop/web", "registry.invalid/shop/worker"];
        let revision = world.commit_files(&files, &images.map(|image| image.parse().unwrap()));
        let places =
            ["the same object twice", "kubernetes/a.yaml, document 1", &format!("kubernetes/{second}")];
        let error = nprt.deploy(&revision).await.refused_with(&places);
        assert!(error.is_invalid(), "{case}: {error}");
        let error = nprt.canary(&revision).await.refused_with(&places);
        assert!(error.is_invalid(), "{case}: {error}");
    }
    assert!(world.objects("deployments,configmaps").await.is_empty(), "nothing was applied");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_name_for_two_kinds_or_groups_is_two_objects() {
    let Some(world) = World::new("namesakes").await else { return };
    let more = "---\n{apiVersion: v1, kind: Secret, metadata: {name: web}}\n---\n{apiVersion: v1, kind: ServiceAccount, \
        metadata: {name: web}}\n";
    world.process().await.deploy(&world.commit(&(manifests(1, "") + more))).await.accepted();
    world.serves("web", 2).await;
}
