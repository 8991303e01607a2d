//! Leases: one holder a service, expiry, takeover, and what a lost lease may no longer do.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::json;

use super::objects::config;
use super::{ClusterFixture, clear, request, service};
use crate::clock::SkewedClock;
use crate::clock::TOLERANCE;
use crate::model::Digest;
use crate::ports::{Busy, Cluster, Lease, LeaseRequest, Takeover, Transition};

async fn acquire(cluster: &dyn Cluster, fixture: &dyn ClusterFixture, name: &str, holder: &str) -> Lease {
    let request = request(&service(name), holder, fixture.patience(), Takeover::WhenExpired);
    cluster.acquire(&request).await.expect("the lease is free")
}

/// Of many who ask at the same time one gets it; the others learn who holds it and for what. A lease that
/// was given back is free, and giving it back again is no error.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn a_lease_has_one_holder(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let service = service("check-lease");
    assert_eq!(cluster.lease(&service).await.expect("read"), None, "nobody holds it yet");
    let requests: Vec<_> = (0..5)
        .map(|n| request(&service, &format!("holder-{n}"), fixture.patience(), Takeover::WhenExpired))
        .collect();
    let answers = join_all(requests.iter().map(|request| cluster.acquire(request))).await;
    let (held, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    let [held] = held.try_into().expect("exactly one holder");
    let held = held.expect("partitioned");
    for error in refused.into_iter().filter_map(Result::err) {
        assert!(error.is_conflict(), "{error}");
        let said = error.to_string();
        assert!(said.contains(&held.purpose.activity()), "who does what: {said}");
        assert!(said.contains(&held.process) && !said.contains(&held.holder), "by public names: {said}");
        let told = Busy::of(&error).map(|told| Lease { left: held.left, ..told.clone() });
        assert_eq!(told.as_ref(), Some(&held), "and as data");
    }
    let read = cluster.lease(&service).await.expect("read").expect("somebody holds it");
    assert_eq!((&read.holder, &read.process, &read.purpose), (&held.holder, &held.process, &held.purpose));
    assert_eq!((read.epoch, read.duration), (held.epoch, fixture.patience()));
    assert!(cluster.release(&held).await.expect("given back"), "it was held till then");
    assert!(!cluster.release(&held).await.expect("given back again"), "it was not held any more");
    assert_eq!(cluster.lease(&service).await.expect("read"), None, "it was given back");
    let next = acquire(cluster, fixture, "check-lease", "next").await;
    assert!(next.epoch > held.epoch, "the epoch grows with each holder");
    assert!(!cluster.release(&held).await.expect("that it was lost is no error"), "it was lost");
    assert!(cluster.lease(&service).await.expect("read").is_some(), "the next one's stays");
    cluster.release(&next).await.expect("given back");
}

/// A lease that is to last longer than any may is refused, and not silently made shorter: its holder would not renew it
/// in time.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn a_lease_has_a_longest_duration(cluster: &dyn Cluster, _: &dyn ClusterFixture) {
    let service = service("check-longest");
    let longest = LeaseRequest::LONGEST;
    for duration in [longest + Duration::from_secs(1), Duration::ZERO] {
        let refused = cluster.acquire(&request(&service, "holder", duration, Takeover::WhenExpired)).await;
        let error = refused.expect_err("it is refused");
        assert!(error.is_invalid() && error.to_string().contains("duration"), "{error}");
    }
    let held = cluster.acquire(&request(&service, "holder", longest, Takeover::WhenExpired)).await;
    let held = held.expect("the longest is fine");
    assert_eq!(held.duration, longest);
    cluster.release(&held).await.expect("given back");
}

/// A lease that is renewed in time lasts longer than its duration.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn a_renewed_lease_lasts(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let (service, clock) = (service("check-renew"), fixture.clock());
    let mine = request(&service, "holder", fixture.lease_duration(), Takeover::WhenExpired);
    let theirs = request(&service, "other", fixture.lease_duration(), Takeover::WhenExpired);
    let mut lease = cluster.acquire(&mine).await.expect("the lease is free");
    for _ in 0..4 {
        clock.sleep(fixture.lease_duration() / 3).await;
        let renewed = cluster.renew(&lease).await.expect("renewed");
        assert!(renewed.renewed > lease.renewed, "it was renewed later");
        assert_eq!((renewed.epoch, renewed.acquired), (lease.epoch, lease.acquired));
        lease = renewed;
        cluster.acquire(&theirs).await.expect_err("it is held still");
    }
    cluster.release(&lease).await.expect("given back");
}

/// A lease that nobody renews is free after its duration; its holder cannot renew it any more.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn an_expired_lease_goes_to_whoever_asks(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let service = service("check-expiry");
    let first = request(&service, "first", fixture.lease_duration(), Takeover::WhenExpired);
    let lost = cluster.acquire(&first).await.expect("the lease is free");
    fixture.clock().sleep(fixture.lease_duration()).await;
    assert_eq!(cluster.lease(&service).await.expect("read"), None, "it has expired");
    let next = acquire(cluster, fixture, "check-expiry", "second").await;
    assert!(next.epoch > lost.epoch, "the epoch grows with each holder");
    let error = cluster.renew(&lost).await.expect_err("somebody else has it");
    assert!(error.is_conflict() && error.to_string().contains("second"), "{error}");
    cluster.release(&next).await.expect("given back");
}

/// A process whose clock is wrong takes no lease that is renewed, and goes by the cluster's time. One that has died it
/// takes once it has seen that for as long as the lease lasts, however old the lease is by the time of day.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn a_wrong_clock_takes_no_lease(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let (service, clock) = (service("check-skew"), fixture.clock());
    let skewed = SkewedClock::new(fixture.clock(), SignedDuration::from_hours(1));
    let other = fixture.seen_by(Arc::new(skewed)).await;
    let mine = request(&service, "holder", fixture.lease_duration(), Takeover::WhenExpired);
    let theirs = request(&service, "other", fixture.lease_duration(), Takeover::WhenExpired);
    let mut lease = cluster.acquire(&mine).await.expect("the lease is free");
    for _ in 0..4 {
        let error = other.acquire(&theirs).await.expect_err("it is held");
        assert!(error.is_conflict(), "{error}");
        assert!(other.lease(&service).await.expect("read").is_some(), "it is held");
        clock.sleep(fixture.lease_duration() / 3).await;
        lease = cluster.renew(&lease).await.expect("renewed");
    }
    let now = other.now().expect("the clocks differ").duration_since(clock.now());
    assert!(now.unsigned_abs() < TOLERANCE, "the cluster's time: {now}");
    other.acquire(&theirs).await.expect_err("it was renewed");
    clock.sleep(fixture.lease_duration() * 2 / 3).await;
    let error = other.acquire(&theirs).await.expect_err("it was renewed").to_string();
    assert!(
        error.contains("may be dead since") && error.contains("a wait of"),
        "what to do if it is: {error}"
    );
    clock.sleep(fixture.lease_duration() / 2).await;
    assert_eq!(other.lease(&service).await.expect("read"), None, "it was watched for long enough");
    let next = other.acquire(&theirs).await.expect("the lease is free");
    assert!(next.epoch > lease.epoch, "the epoch grows with each holder");
    cluster.renew(&lease).await.expect_err("somebody else has it");
    other.release(&next).await.expect("given back");
}

/// A rollback does not wait for the lease's end; who held it learns of it when it renews, even when the
/// rollback is over by then.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn a_rollback_takes_the_lease_at_once(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let deploy = acquire(cluster, fixture, "check-takeover", "deploy").await;
    let request = request(&deploy.service, "rollback", fixture.patience(), Takeover::Now);
    let rollback = cluster.acquire(&request).await.expect("it takes the lease");
    assert!(rollback.epoch > deploy.epoch, "the epoch grows with each holder");
    let learns = async || {
        let error = cluster.renew(&deploy).await.expect_err("the rollback took it");
        let holder = Busy::of(&error).unwrap_or_else(|| panic!("it says who holds it: {error}"));
        assert!(error.is_conflict() && holder.process == rollback.process, "{error}");
        assert_eq!(holder.purpose, rollback.purpose, "and for what");
    };
    learns().await;
    let read = cluster.lease(&deploy.service).await.expect("read").expect("the rollback holds it");
    assert_eq!(read.holder, rollback.holder);
    cluster.release(&rollback).await.expect("given back");
    learns().await;
    let error = cluster.renew(&rollback).await.expect_err("it was given back");
    assert!(error.is_conflict(), "{error}");
    assert_eq!(Busy::of(&error), None, "nobody took it from the rollback: {error}");
}

/// A change of version that was begun is told to the next holder, until it is said to be over; one who lost the
/// lease can say neither.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn a_transition_outlives_its_holder(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let name = "check-transition";
    let (from, to) = ("main-1".to_owned(), "main-2".to_owned());
    let records = vec![Digest::new(&format!("sha256:{}", "0a".repeat(32))).expect("a digest")];
    let transition =
        Some(Transition { from: from.clone(), to: to.clone(), back: false, records: records.clone() });
    let first = acquire(cluster, fixture, name, "first").await;
    cluster.set_transition(&first, transition.clone()).await.expect("the lease is held");
    assert_eq!(cluster.renew(&first).await.expect("renewed").transition, transition);
    cluster.release(&first).await.expect("given back");
    cluster.set_transition(&first, None).await.expect_err("it was given back");
    let told = cluster.transition(&first.service).await.expect("read");
    assert_eq!(told, transition, "and whoever only looks, too");
    let second = acquire(cluster, fixture, name, "second").await;
    assert_eq!(second.transition, transition, "the next holder learns of it");
    let request = request(&second.service, "rollback", fixture.patience(), Takeover::Now);
    let rollback = cluster.acquire(&request).await.expect("it takes the lease");
    let back = Some(Transition { from, to, back: true, records });
    assert_eq!(rollback.transition, back, "who takes it at once wants it undone");
    cluster.release(&rollback).await.expect("given back");
    let second = acquire(cluster, fixture, name, "after").await;
    assert_eq!(second.transition, back, "and whoever comes next goes on with that");
    cluster.set_transition(&second, None).await.expect("the lease is held");
    cluster.release(&second).await.expect("given back");
    let third = acquire(cluster, fixture, name, "third").await;
    assert_eq!(third.transition, None, "it is over");
    cluster.release(&third).await.expect("given back");
}

/// Under a lease that another took over nothing lands, neither an apply nor a delete.
///
/// # Panics
/// Where the cluster breaks the contract.
pub async fn writes_under_a_lost_lease_are_refused(cluster: &dyn Cluster, fixture: &dyn ClusterFixture) {
    let lost = acquire(cluster, fixture, "check-fence", "deploy").await;
    let config = |value: &str| config(&lost.service, &json!({"written-by": value}));
    cluster.apply(&lost, &config("deploy")).await.expect("the lease is held");
    let request = request(&lost.service, "rollback", fixture.patience(), Takeover::Now);
    let held = cluster.acquire(&request).await.expect("it takes the lease");
    let error = cluster.apply(&lost, &config("late")).await.expect_err("the lease is lost");
    assert!(error.is_conflict() && error.to_string().contains("rollback"), "{error}");
    let error = cluster.delete(&lost, &config("").id()).await.expect_err("the lease is lost");
    assert!(error.is_conflict(), "{error}");
    let live = cluster.get(&config("").id()).await.expect("read").expect("it was not deleted");
    assert_eq!(live.as_value().pointer("/data/written-by"), Some(&json!("deploy")), "nothing landed");
    cluster.apply(&held, &config("rollback")).await.expect("the new holder may write");
    clear(cluster, &held).await;
}
