//! A canary whose time is over, on a real cluster.

use nprt::pipeline::Service;

use crate::world::{World, manifests, shop};

#[tokio::test(flavor = "multi_thread")]
async fn another_process_removes_a_canary_whose_time_is_over() {
    let Some(world) = World::new("expire").await else { return };
    let (process, replica) = (world.process().await, world.process_of(Service::new(shop())).await);
    let (first, trial) = (world.commit(&manifests(1, "")), world.commit(&manifests(2, "")));
    process.deploy(&first).await.unwrap();
    process.canary(&trial).await.unwrap();
    let before = (world.objects("deployments,configmaps").await, world.pods("stable").await);
    let says = before.0.iter().filter(|o| o["metadata"]["annotations"]["nprt.dev/expires"].is_string());
    assert_eq!(says.count(), 2, "each of its workloads says when");
    assert!(replica.expire().await.unwrap().is_none());
    assert_eq!(world.objects("deployments,configmaps").await, before.0, "not even a resource version");

    // A person says that its time is over.
    let select = "nprt.dev/service=shop,track=canary";
    let over = "nprt.dev/expires=2020-01-01T00:00:00Z";
    world.kubectl(&["annotate", "deployments", "-l", select, "--overwrite", over]).await;
    for error in [process.judge().await.unwrap_err(), process.promote(&trial).await.unwrap_err()] {
        assert!(error.is_conflict() && error.to_string().contains("2020-01-01"), "{error}");
    }
    let done = replica.expire().await.unwrap().unwrap();
    assert_eq!((done.removed.len(), done.canary.unwrap().revision), (3, Some(trial)));
    assert_eq!(world.pods("stable").await, before.1);
    assert_eq!(world.objects("deployments").await.len(), 2);
    assert!(process.expire().await.unwrap().is_none());
    assert_eq!(process.operation().await, None);
}
