//! Objects that others own.

use std::time::Duration;

use serde_json::json;

use super::objects::{config, deployment, with};
use super::{ClusterFixture, clear, lease, service};
use crate::ports::{Cluster, Deletion};

/// An object that names an owner is applied as any other, and goes with its owner, be it a moment later.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn what_is_owned_goes_with_its_owner(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let (lease, clock) = (lease(cluster, fixture, &service("check-owned")).await, fixture.clock());
    let owner = cluster.apply(&lease, &deployment(&lease.service, 0, "1")).await.expect("applied").object;
    let uid = owner.as_value().pointer("/metadata/uid").expect("a live object has a uid");
    let id = owner.id();
    let reference = json!([{"apiVersion": id.api_version, "kind": id.kind, "name": id.name, "uid": uid}]);
    let owned = with(config(&lease.service, &json!({"a": "1"})), "/metadata/ownerReferences", reference);
    cluster.apply(&lease, &owned).await.expect("applied");
    let again = with(owned.clone(), "/data", json!({"a": "2"}));
    cluster.apply(&lease, &again).await.expect("it is changed as any other");
    let listed = cluster.list(&lease.service).await.expect("listed");
    assert!(listed.iter().any(|object| object.kind() == "ConfigMap"), "it is the service's: {listed:?}");
    assert_eq!(cluster.delete(&lease, &id).await.expect("deleted"), Deletion::Gone);
    let mut waited = Duration::ZERO;
    while cluster.get(&owned.id()).await.expect("answered").is_some() {
        assert!(waited < fixture.patience(), "it is there for ever");
        let pause = Duration::from_millis(200);
        clock.sleep(pause).await;
        waited += pause;
    }
    clear(cluster, &lease).await;
}
