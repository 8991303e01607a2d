//! Pods that cannot, or may not, run beside stable's: a canary's warnings say so up front.

use crate::answer::Answer as _;
use crate::world::World;

/// A Deployment with pods like these, and its Service.
fn web(n: usize, pods: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec: {{selector: {{app: web}}, ports: [{{port: 80}}]}}\n---\n\
         apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  selector: {{matchLabels: {{app: web}}}}\n  \
         template:\n    metadata: {{labels: {{app: web}}}}\n    spec:\n      {pods}\n      containers:\n      - name: web\n        \
         image: registry.invalid/shop/web\n        env: [{{name: COUNT, value: \"{n}\"}}]\n"
    )
}

const CLAIM: &str = "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: [MODE], \
    resources: {requests: {storage: 1Gi}}}\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_canarys_preview_says_what_may_not_be_placed() {
    let Some(world) = World::new("place").await else { return };
    let nprt = world.process().await;
    let claim = |mode: &str| CLAIM.replace("MODE", mode);
    let volume = "volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]";
    let cases = [
        (
            "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: \
             kubernetes.io/hostname, labelSelector: {matchLabels: {app: web}}}]}}",
            String::new(),
            "required podAntiAffinity",
        ),
        (
            "topologySpreadConstraints: [{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: \
             DoNotSchedule, labelSelector: {matchLabels: {app: web}}}]",
            String::new(),
            "topologySpreadConstraints",
        ),
        (volume, claim("ReadWriteOnce"), "ReadWriteOnce"),
        (volume, claim("ReadWriteOncePod"), "ReadWriteOncePod"),
    ];
    nprt.deploy(&world.commit(&web(0, ""))).await.accepted();
    for (pods, more, what) in cases {
        let revision = world.commit(&(web(1, pods) + &more));
        let preview = nprt.preview(&revision, nprt::model::Track::Canary).await.unwrap();
        let warnings: Vec<_> = preview.warnings.iter().filter(|warning| warning.contains(what)).collect();
        assert_eq!(warnings.len(), 1, "{what}: {:?}", preview.warnings);
        assert!(warnings[0].starts_with("Deployment/web: "), "{warnings:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_starts_with_a_warning_where_another_node_is_free() {
    let Some(world) = World::new("place-ports").await else { return };
    let nprt = world.process().await;
    let ports = |n| {
        web(n, "")
            .replace("        env:", "        ports: [{containerPort: 80, hostPort: 31080}]\n        env:")
    };
    nprt.deploy(&world.commit(&ports(1))).await.accepted();
    nprt.canary(&world.commit(&ports(2)))
        .await
        .warned(&["Deployment/web: its canary takes port 31080/TCP of its node"]);
    world.serves("web", 2).await; // stable and canary serve
    nprt.rollback().await.unwrap();
}
