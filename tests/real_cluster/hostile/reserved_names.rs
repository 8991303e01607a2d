//! Objects, labels and annotations that would tell nprt something about itself.

use nprt::ErrorKind;
use nprt::model::Track;

use crate::answer::Answer as _;
use crate::world::{World, manifests};

#[tokio::test(flavor = "multi_thread")]
async fn no_manifest_makes_our_own_objects() {
    let Some(world) = World::new("reserved").await else { return };
    let process = world.process().await;
    let lease =
        |version: &str| format!("coordination.k8s.io/{version}, kind: Lease, metadata: {{name: nprt-other}}");
    let here =
        format!("v1, kind: Secret, metadata: {{name: nprt-undo-shop, namespace: {}}}", world.namespace);
    for (object, name) in [
        ("v1, kind: Secret, metadata: {name: nprt-undo-other}".to_owned(), "Secret/nprt-undo-other"),
        (here, "nprt-undo-shop"),
        ("v1, kind: ConfigMap, metadata: {name: nprt-judge-shop}".to_owned(), "ConfigMap/nprt-judge-shop"),
        (
            "v1, kind: ConfigMap, metadata: {name: nprt-last-canary-shop}".to_owned(),
            "ConfigMap/nprt-last-canary-shop",
        ),
        (lease("v1"), "Lease/nprt-other"),
        (lease("v1beta1"), "Lease/nprt-other"),
        (
            "v1, kind: List, items: [{apiVersion: v1, kind: Secret, metadata: {name: nprt-a}}]".to_owned(),
            "Secret/nprt-a",
        ),
    ] {
        let revision = world.commit(&format!("{}---\n{{apiVersion: {object}}}\n", manifests(1, "")));
        let words = ["reserved", "`nprt-`", name, "document: 5"];
        let refused = process.deploy(&revision).await.refused_with(&words);
        assert_eq!(refused.kind(), ErrorKind::Forbidden, "{refused}");
        for track in [Track::Stable, Track::Canary] {
            let refused = process.preview(&revision, track).await.unwrap_err();
            assert!(refused.to_string().contains(name), "{refused}");
        }
    }
    assert!(world.objects("deployments").await.is_empty(), "nothing was applied");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_manifest_passes_for_another_service_or_a_canary() {
    let Some(world) = World::new("marks").await else { return };
    let process = world.process().await;
    for (from, to, key) in [
        ("labels: {app: worker}}", "labels: {app: worker, nprt.dev/service: other}}", "nprt.dev/service"),
        ("labels: {app: worker}}", "labels: {app: worker, nprt.dev/track: canary}}", "nprt.dev/track"),
        ("{name: worker}\n", "{name: worker, annotations: {nprt.dev/held: '{}'}}\n", "nprt.dev/held"),
        ("{name: worker}\n", "{name: worker, annotations: {nprt.dev/epoch: '99'}}\n", "nprt.dev/epoch"),
    ] {
        let all = manifests(1, "");
        assert!(all.contains(from), "{from}");
        process
            .deploy(&world.commit(&all.replacen(from, to, 1)))
            .await
            .refused_with(&["reserved", key, "/worker"]);
    }
    assert!(world.objects("deployments").await.is_empty(), "nothing was applied");
}
