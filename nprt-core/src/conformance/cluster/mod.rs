//! The contract of [`Cluster`]. The suite works in a namespace that begins empty; each check uses a service
//! of its own, so that checks may run in any order, at the same time and again.
#![expect(clippy::expect_used, clippy::panic, reason = "this is how a check fails")]

mod apply;
mod autoscaler;
mod event;
mod lease;
mod objects;
mod owned;
mod pods;
mod restore;
mod rollout;
mod survey;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::model::{Object, ServiceName};
use crate::ports::{Clock, Cluster, Lease, LeaseRequest, ObjectEvent, Purpose, Takeover, Task};

pub use apply::{
    a_dry_run_says_what_would_be_done, a_field_of_another_manager_is_a_conflict, applied_objects_can_be_read,
    deletes_once, finalizers_hold_what_is_deleted, lists_what_a_service_has,
    refuses_unknown_fields_where_claimed, refuses_what_is_wrong, removes_fields_that_are_no_longer_named,
    unchanged_objects_are_not_written,
};
pub use autoscaler::an_autoscaler_keeps_the_replicas;
pub use event::keeps_events_where_claimed;
pub use lease::{
    a_lease_has_a_longest_duration, a_lease_has_one_holder, a_renewed_lease_lasts,
    a_rollback_takes_the_lease_at_once, a_transition_outlives_its_holder, a_wrong_clock_takes_no_lease,
    an_expired_lease_goes_to_whoever_asks, writes_under_a_lost_lease_are_refused,
};
pub use owned::what_is_owned_goes_with_its_owner;
pub use pods::pods_are_told_until_they_are_gone;
pub use restore::{
    a_restore_leaves_others_alone, an_object_that_is_gone_is_not_restored, what_was_applied_can_be_restored,
};
pub use rollout::{
    a_failing_rollout_says_why, a_job_is_followed_to_its_end, a_kind_without_a_rollout_is_refused,
    an_unknown_workload_has_no_rollout, follows_a_rollout_to_its_end,
    never_takes_an_earlier_rollout_for_this_one,
};
pub use survey::a_survey_sees_what_is_around;

/// What a backend's tests bring.
#[async_trait]
pub trait ClusterFixture: Send + Sync {
    /// The time in which leases and rollouts pass. On a real cluster that is the system's clock.
    fn clock(&self) -> Arc<dyn Clock>;

    /// Makes the fields of `object` so as the field manager `manager`, by other means than the cluster under
    /// test. It panics where it fails: it belongs to the test.
    async fn apply_as(&self, manager: &str, object: &Object);

    /// The events that are kept with `object`, by whomever, and by other means than the cluster under test. Not
    /// asked where it claims [none](crate::ports::ClusterCapabilities::events).
    async fn events(&self, object: &Object) -> Vec<ObjectEvent>;

    /// The cluster under test, as another process sees it whose machine has `clock`.
    async fn seen_by(&self, clock: Arc<dyn Clock>) -> Arc<dyn Cluster>;

    /// How long a lease lasts that is let run out; 3 seconds.
    fn lease_duration(&self) -> Duration {
        Duration::from_secs(3)
    }

    /// How long anything may take; 60 seconds.
    fn patience(&self) -> Duration {
        Duration::from_secs(60)
    }
}

/// Runs every check.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn all(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    applied_objects_can_be_read(cluster, fixture).await;
    unchanged_objects_are_not_written(cluster, fixture).await;
    removes_fields_that_are_no_longer_named(cluster, fixture).await;
    a_field_of_another_manager_is_a_conflict(cluster, fixture).await;
    an_autoscaler_keeps_the_replicas(cluster, fixture).await;
    a_dry_run_says_what_would_be_done(cluster, fixture).await;
    refuses_what_is_wrong(cluster, fixture).await;
    refuses_unknown_fields_where_claimed(cluster, fixture).await;
    lists_what_a_service_has(cluster, fixture).await;
    deletes_once(cluster, fixture).await;
    finalizers_hold_what_is_deleted(cluster, fixture).await;
    what_is_owned_goes_with_its_owner(cluster, fixture).await;
    pods_are_told_until_they_are_gone(cluster, fixture).await;
    a_survey_sees_what_is_around(cluster, fixture).await;
    what_was_applied_can_be_restored(cluster, fixture).await;
    a_restore_leaves_others_alone(cluster, fixture).await;
    an_object_that_is_gone_is_not_restored(cluster, fixture).await;
    keeps_events_where_claimed(cluster, fixture).await;
    a_lease_has_one_holder(cluster, fixture).await;
    a_lease_has_a_longest_duration(cluster, fixture).await;
    a_renewed_lease_lasts(cluster, fixture).await;
    an_expired_lease_goes_to_whoever_asks(cluster, fixture).await;
    a_wrong_clock_takes_no_lease(cluster, fixture).await;
    a_rollback_takes_the_lease_at_once(cluster, fixture).await;
    a_transition_outlives_its_holder(cluster, fixture).await;
    writes_under_a_lost_lease_are_refused(cluster, fixture).await;
    follows_a_rollout_to_its_end(cluster, fixture).await;
    never_takes_an_earlier_rollout_for_this_one(cluster, fixture).await;
    a_failing_rollout_says_why(cluster, fixture).await;
    a_job_is_followed_to_its_end(cluster, fixture).await;
    a_kind_without_a_rollout_is_refused(cluster, fixture).await;
    an_unknown_workload_has_no_rollout(cluster, fixture).await;
}

fn service(name: &str) -> ServiceName {
    ServiceName::new(name).expect("a service name")
}

/// Asks for the lease of `service` as `holder`.
fn request(service: &ServiceName, holder: &str, duration: Duration, takeover: Takeover) -> LeaseRequest {
    let purpose = Purpose::new(Task::Deploy, format!("the check of {holder}")).of("main-1");
    let (holder, process) = (format!("{holder}/1"), format!("host-of-{holder}"));
    LeaseRequest { service: service.clone(), holder, process, purpose, duration, takeover }
}

/// A lease to write under, for as long as a check may take.
async fn lease(cluster: &dyn Cluster, fixture: &dyn ClusterFixture, service: &ServiceName) -> Lease {
    let request = request(service, "conformance", fixture.patience(), Takeover::Now);
    cluster.acquire(&request).await.expect("nobody else uses the check's service")
}

/// Removes the objects of a check and gives its lease back.
async fn clear(cluster: &dyn Cluster, lease: &Lease) {
    for object in cluster.list(&lease.service).await.expect("the service can be listed") {
        cluster.delete(lease, &object.id()).await.expect("the object can be deleted");
    }
    cluster.release(lease).await.expect("the lease can be given back");
}
