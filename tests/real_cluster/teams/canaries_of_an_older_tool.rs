//! The tool that was there before left its canary behind the Service: it goes before another version starts. What is
//! not surely such a canary is left alone, and said.

use crate::answer::Answer as _;
use crate::world::{World, manifests, tag};

/// What the method's first implementation applies: stable and canary of one Deployment, each with its track.
fn left_behind(labels: &str) -> String {
    let deployment = |name: &str, labels: &str, track: &str| {
        format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, labels: {{{labels}{track}}}}}\nspec:\n  \
             selector: {{matchLabels: {{{labels}{track}}}}}\n  template:\n    metadata: {{labels: {{{labels}{track}}}}}\n    \
             spec: {{containers: [{{name: web, image: 'registry.invalid/shop/web:older'}}]}}\n"
        )
    };
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec: {{selector: {{app: web}}, ports: [{{port: 80}}]}}\n{}{}",
        deployment("web", "app: web", ", track: stable"),
        deployment("web-canary", "app: web", labels)
    )
}

async fn ready(world: &World) {
    for name in ["web", "web-canary"] {
        world.kubectl(&["rollout", "status", &format!("deployment/{name}"), "--timeout=60s"]).await;
    }
    world.serves("web", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_before_a_deploy_and_its_pods_with_it() {
    let Some(world) = World::new("older").await else { return };
    world.kubectl_makes(&["apply"], &left_behind(", track: canary")).await;
    ready(&world).await;
    let nprt = world.process().await;
    let done = nprt.deploy(&world.commit(&manifests(1, ""))).await.warned(&["takes over", "takes over"]);
    assert_eq!(done.removed.iter().map(|id| &*id.name).collect::<Vec<_>>(), ["web-canary"]);
    assert!(world.items("pods", "app=web,track=canary").await.is_empty());
    world.serves("web", 2).await; // the two of the new version alone
    let second = world.commit(&manifests(2, ""));
    nprt.canary(&second).await.accepted();
    nprt.promote(&second).await.accepted();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_makes_way_for_a_canary() {
    let Some(world) = World::new("older-canary").await else { return };
    let nprt = world.process().await;
    nprt.deploy(&world.commit(&manifests(1, ""))).await.accepted();
    let older = left_behind(", track: canary");
    world.kubectl_makes(&["apply"], older.rsplit("---\n").next().unwrap()).await;
    world.kubectl(&["rollout", "status", "deployment/web-canary", "--timeout=60s"]).await;
    let second = world.commit(&manifests(2, ""));
    let done = nprt.canary(&second).await.accepted();
    assert_eq!(done.removed.iter().map(|id| &*id.name).collect::<Vec<_>>(), ["web-canary"]);
    let canary = world.object("deployment/web-canary").await;
    assert_eq!(canary["metadata"]["annotations"]["nprt.dev/tag"], tag(&second));
    nprt.rollback().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_somebodys_own_is_left_alone_and_said() {
    let Some(world) = World::new("older-unknown").await else { return };
    // Applied by kubectl and behind the Service, but it does not say that it is a canary.
    world.kubectl_makes(&["apply"], &left_behind(", tier: debug")).await;
    ready(&world).await;
    let nprt = world.process().await;
    let done = nprt.deploy(&world.commit(&manifests(1, ""))).await.warned(&[
        "takes over",
        "takes over",
        "also sends requests to pods",
    ]);
    assert!(done.removed.is_empty(), "{done:?}");
    let error = nprt.canary(&world.commit(&manifests(2, ""))).await;
    error.refused_with(&["web-canary", "kubectl apply", "delete that object"]);
    assert_eq!(world.items("pods", "app=web,tier=debug").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_by_hand_behind_the_service_is_a_warning_at_each_deploy() {
    let Some(world) = World::new("older-pod").await else { return };
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: debug, labels: {app: web}}\n\
               spec: {containers: [{name: a, image: 'registry.invalid/debug:1'}]}\n";
    world.kubectl_makes(&["apply"], pod).await;
    let nprt = world.process().await;
    for n in [1, 2] {
        nprt.deploy(&world.commit(&manifests(n, ""))).await.warned(&["debug"]);
    }
}
