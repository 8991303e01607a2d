//! Events on objects.

use serde_json::json;

use super::objects::deployment;
use super::{ClusterFixture, clear, lease, service};
use crate::ErrorKind;
use crate::model::Object;
use crate::ports::{Cluster, ObjectEvent};

/// An event is kept with its object and no other, each anew unless it happens once, with a note as long as it may be; a cluster that
/// does not claim to answers `Unsupported`. It changes nothing of the object.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn keeps_events_where_claimed(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let lease = lease(cluster, fixture, &service("check-events")).await;
    let applied = cluster.apply(&lease, &deployment(&lease.service, 1, "1")).await.expect("applied");
    let events = [
        ObjectEvent::normal("Deployed", "by ada: 1 is stable"),
        ObjectEvent::warning("Failed", &"ä".repeat(1024)),
        ObjectEvent::normal("Deployed", "by ada: 2 is stable"),
    ];
    if !cluster.capabilities().events {
        let error = cluster.record_event(&applied.object, &events[0]).await.expect_err("it is not claimed");
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        return clear(cluster, &lease).await;
    }
    // The cluster itself may have events of it, and those of an object of its name that is gone.
    let before = fixture.events(&applied.object).await;
    for event in &events {
        assert!(cluster.record_event(&applied.object, event).await.expect("recorded"), "it is new");
    }
    // Of another run of this suite there may be one.
    let name = format!("canary-ended-{}", lease.acquired.as_nanosecond());
    let once = ObjectEvent::warning("RolledBack", "by ada: it was rolled back").once(name);
    for is_new in [true, false, false] {
        assert_eq!(cluster.record_event(&applied.object, &once).await.expect("recorded"), is_new);
    }
    let mut kept = fixture.events(&applied.object).await;
    for event in before.iter().chain(&events) {
        let at =
            kept.iter().position(|kept| kept == event).expect("it is kept, each time that it was recorded");
        kept.remove(at);
    }
    assert!(!kept.iter().any(|event| events.contains(event)), "no more than once: {kept:?}");
    let of_once = kept.iter().filter(|kept| (kept.reason(), kept.note()) == (once.reason(), once.note()));
    assert_eq!(of_once.count(), 1, "what happens once: {kept:?}");
    let other = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "check-events-not"}});
    let other = cluster.apply(&lease, &Object::new(other).expect("an object")).await.expect("applied").object;
    assert_eq!(fixture.events(&other).await, []);
    cluster.delete(&lease, &other.id()).await.expect("deleted");
    clear(cluster, &lease).await;
}
