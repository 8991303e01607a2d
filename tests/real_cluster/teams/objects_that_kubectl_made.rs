//! Objects that kubectl made before nprt came: the first deploy takes them over.

use nprt::ports::Change;

use crate::answer::Answer as _;
use crate::world::{World, manifests};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_deploy_takes_them_over_and_serves_from_new_pods() {
    for tool in ["apply", "create"] {
        let Some(world) = World::new(&format!("made-{tool}")).await else { return };
        world.kubectl_makes(&[tool], &manifests(1, "")).await;
        world.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]).await;
        let before = world.pods_by_uid("app=web").await;
        assert_eq!(before.len(), 2, "{tool}");

        let done = world.process().await.deploy(&world.commit(&manifests(2, ""))).await.accepted();
        assert!(done.applied.iter().all(|applied| applied.change != Change::Created), "{tool}: {done:?}");
        assert_eq!(world.object("configmap/web").await["data"]["n"], "2", "{tool}");
        let after = world.pods_by_uid("app=web").await;
        assert!(after.len() == 2 && after.is_disjoint(&before), "{tool}: {before:?} {after:?}");
        world.serves("web", 2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_managers_value_is_refused_and_nothing_changes() {
    let Some(world) = World::new("conflict").await else { return };
    world.kubectl_makes(&["create", "--field-manager=argocd"], &manifests(1, "")).await;
    let revision = world.commit(&manifests(2, ""));
    world.process().await.deploy(&revision).await.refused_with(&["conflict", "argocd", "web"]);
    assert_eq!(world.object("configmap/web").await["data"]["n"], "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_the_registry_does_not_have_is_refused() {
    let Some(world) = World::new("images").await else { return };
    world.kubectl_makes(&["apply"], &manifests(1, "")).await;
    let revision = world.commit_with(&manifests(2, ""), &["registry.invalid/shop/web"]);
    world.process().await.deploy(&revision).await.refused_with(&["registry.invalid/shop/worker"]);
    assert_eq!(world.object("configmap/web").await["data"]["n"], "1", "nothing changed");
    let taken = [
        "ConfigMap/",
        "Service/",
        "/web: takes over the fields of kubectl-client-side-apply",
        "/worker: takes over",
    ];
    let done = world.process().await.deploy(&world.commit(&manifests(2, ""))).await.warned(&taken);
    assert!(done.removed.is_empty(), "{done:?}");
}
