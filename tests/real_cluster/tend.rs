//! A canary that has a share of stable's pods, while others scale stable, on a real cluster.

use std::time::Duration;

use nprt::manifest::Replicas;
use nprt::pipeline::Service;

use crate::world::{Process, World, manifests, shop};

/// The replicas that a Deployment asks for.
async fn replicas(world: &World, name: &str) -> u64 {
    let replicas = ["get", "deployment", name, "-o", "jsonpath={.spec.replicas}"];
    world.kubectl(&replicas).await.parse().unwrap()
}

/// What `replica` scaled: from, to.
async fn tend(replica: &Process) -> Vec<(u64, u64)> {
    let done = replica.tend().await.unwrap();
    assert!(done.busy.is_none() && done.expired.is_none() && done.undone.is_none(), "{done:?}");
    done.scaled.iter().map(|scaled| (scaled.from, scaled.to)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_kept_in_step_with_kubectl_scale_and_an_autoscaler() {
    let Some(world) = World::new("tend").await else { return };
    let mut service = Service::new(shop());
    service.transform.canary.replicas = Replicas::Share(0.5);
    // The other process knows no share: the canary says it.
    let (process, replica) = (world.process_of(service).await, world.process().await);
    process.deploy(&world.commit(&manifests(1, ""))).await.unwrap();
    process.canary(&world.commit(&manifests(2, ""))).await.unwrap();
    assert_eq!(replicas(&world, "web-canary").await, 1, "half of 2");
    let before = (world.objects("deployments").await, world.pods("canary").await);
    assert_eq!(tend(&replica).await, []);
    assert_eq!(world.objects("deployments").await, before.0, "not even a resource version");

    world.kubectl(&["scale", "deployment", "web", "--replicas=5"]).await;
    assert_eq!(tend(&replica).await, [(1, 3)]);
    assert_eq!(tend(&process).await, [], "once");
    let rolled_out = ["rollout", "status", "deployment", "web-canary", "--timeout=60s"];
    world.kubectl(&rolled_out).await;
    assert!(world.pods("canary").await.is_superset(&before.1), "no pod was replaced");

    // An autoscaler goes to its minimum even where it has no metrics.
    world.kubectl(&["autoscale", "deployment", "web", "--min=8", "--max=9", "--cpu=50%"]).await;
    let scaled = ["wait", "--for=jsonpath={.spec.replicas}=8", "deployment/web", "--timeout=60s"];
    world.kubectl(&scaled).await;
    assert_eq!(tend(&replica).await, [(3, 4)]);
    world.kubectl(&["delete", "hpa", "web"]).await;
    world.kubectl(&["scale", "deployment", "web", "--replicas=1"]).await;
    assert_eq!(tend(&replica).await, [(4, 1)]);
    world.kubectl(&rolled_out).await;
    tokio::time::timeout(Duration::from_secs(60), async {
        while world.pods("canary").await.len() != 2 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await
    .expect("one of web, one of worker");

    // A person takes the canary's replicas over.
    world.kubectl(&["scale", "deployment", "web-canary", "--replicas=6"]).await;
    assert_eq!(tend(&replica).await, []);
    assert_eq!(replicas(&world, "web-canary").await, 6);
    assert_eq!(process.rollback().await.unwrap().removed.len(), 3);
}
