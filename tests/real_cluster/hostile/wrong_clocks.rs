//! A replica whose clock is an hour ahead, or behind.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use nprt::clock::SystemClock;
use nprt::memory::SkewedClock;
use nprt::ports::Clock;
use nprt_testkit::reliability::Row;

use crate::answer::Answer as _;
use crate::world::{World, manifests, tag};

fn wrong(hours: i64) -> Arc<dyn Clock> {
    Arc::new(SkewedClock::new(Arc::new(SystemClock), SignedDuration::from_hours(hours)))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_takes_no_lease_of_an_operation_under_way() {
    let Some(world) = World::new("skewed-lease").await else { return };
    let process = world.process().await;
    // Its pods are given up after a while, but not before the test has seen enough.
    let slow =
        manifests(2, "never-ready").replace("  replicas: 2", "  replicas: 2\n  progressDeadlineSeconds: 20");
    let (first, second) = (world.commit(&manifests(1, "")), world.commit(&slow));
    process.deploy(&first).await.accepted();
    let under_way = tokio::spawn({
        let (process, second) = (process.clone(), second.clone());
        async move { process.deploy(&second).await }
    });
    while process.operation().await.is_none() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let skewed = [world.process_on(wrong(1)).await, world.process_on(wrong(-1)).await];
    // More than a lease lasts that is not renewed.
    for _ in 0..8 {
        for replica in &skewed {
            replica.deploy(&first).await.refused_with(&["busy"]);
            let tended = replica.tend().await.unwrap();
            assert!(tended.busy.is_some() && tended.undone.is_none(), "{tended:?}");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(!under_way.is_finished(), "{:?}", under_way.await);
    // It dies: what it left is settled by whoever has watched it for long enough.
    under_way.abort();
    _ = under_way.await;
    let (fresh, began) = (world.process_on(wrong(1)).await, std::time::Instant::now());
    loop {
        let tended = fresh.tend().await.unwrap();
        if tended.busy.is_none() {
            assert!(tended.undone.is_some(), "{tended:?}");
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{tended:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(began.elapsed() > Duration::from_secs(4), "it watched the lease: {:?}", began.elapsed());
    assert!(world.runs().await.iter().all(|(_, now)| *now == tag(&first)), "{:?}", world.runs().await);
    let name = "replicas an hour ahead and behind, during another one's deploy";
    let now = "took no lease; settled what a dead replica left after watching its lease expire".to_owned();
    Row { section: "Failures", name, before: "stole the lease of a running operation", now }.keep().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_no_canary_and_starts_one_that_lasts_as_long_as_any() {
    let Some(world) = World::new("skewed-canary").await else { return };
    let process = world.process().await;
    let (first, second) = (world.commit(&manifests(1, "")), world.commit(&manifests(2, "")));
    process.deploy(&first).await.accepted();
    process.canary(&second).await.accepted();
    // Longer than a canary lasts.
    for hours in [100, -100] {
        let skewed = world.process_on(wrong(hours)).await;
        let tended = skewed.tend().await.unwrap();
        assert_eq!((tended.expired, tended.busy), (None, None), "{hours}");
        assert_eq!(skewed.expire().await.unwrap(), None, "{hours}");
        skewed.rollback().await.unwrap();
        skewed.canary(&second).await.accepted();
        let started = process.status().await.canary.unwrap().started.unwrap();
        let age = SystemClock.now().duration_since(started);
        assert!(age.unsigned_abs() < Duration::from_secs(120), "{hours}: {age}");
        assert_eq!(process.expire().await.unwrap(), None, "{hours}");
    }
    let name = "replicas 100 hours ahead and behind, beside a canary";
    let now = "ended no canary early, and started canaries that last as long as any".to_owned();
    Row { section: "Failures", name, before: Row::NOT_MEASURED, now }.keep().unwrap();
}
