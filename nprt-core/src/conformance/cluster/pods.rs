//! The pods of a track.

use std::time::Duration;

use super::objects::deployment;
use super::{ClusterFixture, clear, lease, service};
use crate::model::{ObjectId, ServiceName, Track};
use crate::ports::Cluster;

async fn pods(cluster: &dyn Cluster, service: &ServiceName, track: Track) -> Vec<ObjectId> {
    cluster.pods(service, track).await.expect("the pods can be listed")
}

/// The pods of one track of one service, by name, from when they run until they are gone, which is after
/// their workload is.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn pods_are_told_until_they_are_gone(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let (lease, clock) = (lease(cluster, fixture, &service("check-pods")).await, fixture.clock());
    let name = &lease.service;
    assert_eq!(pods(cluster, name, Track::Stable).await, [], "no workload, no pods");
    let deployment = deployment(name, 3, "1");
    cluster.apply(&lease, &deployment).await.expect("applied");
    super::rollout::complete(cluster, fixture, &deployment.id()).await;
    let running = pods(cluster, name, Track::Stable).await;
    let is_pod = |pod: &ObjectId| pod.kind == "Pod" && pod.namespace == Some(cluster.namespace());
    assert!(running.len() == 3 && running.iter().all(is_pod), "{running:?}");
    assert!(running.is_sorted_by(|a, b| a.name < b.name), "by name, each once: {running:?}");
    assert_eq!(pods(cluster, name, Track::Canary).await, [], "they are of the other track");
    assert_eq!(pods(cluster, &service("check-pods-of-another"), Track::Stable).await, []);
    cluster.delete(&lease, &deployment.id()).await.expect("deleted");
    let mut waited = Duration::ZERO;
    while !pods(cluster, name, Track::Stable).await.is_empty() {
        assert!(waited < fixture.patience(), "they are there for ever");
        let pause = Duration::from_millis(200);
        clock.sleep(pause).await;
        waited += pause;
    }
    clear(cluster, &lease).await;
}
