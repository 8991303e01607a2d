//! Replicas whose clocks are wrong: what is written in the cluster by one is read by another.

use std::sync::Arc;

use jiff::SignedDuration;
use nprt_core::ErrorKind;
use nprt_core::clock::SkewedClock;
use nprt_core::ports::{Clock, Cluster, Purpose, Task};
use nprt_pipeline::{Pipeline, PipelineSettings, Ports, Progress, Service};

use crate::world::{World, caller, canary, deploy, promote, shop};

/// A replica on a machine whose clock is ahead by so many seconds.
fn replica(world: &World, ahead: i64) -> (Arc<Pipeline>, Arc<SkewedClock>) {
    let clock = Arc::new(SkewedClock::new(world.clock.clone(), SignedDuration::from_secs(ahead)));
    let cluster = world.cluster.clone().seen_by(clock.clone());
    let ports = Ports { cluster: Arc::new(cluster), ..world.ports() };
    let pipeline = Pipeline::new("skewed", clock.clone(), PipelineSettings::default()).unwrap();
    (Arc::new(pipeline.with_service(Service::new(shop()), ports).unwrap()), clock)
}

const HOUR: i64 = 3600;

#[tokio::test]
async fn no_replica_takes_the_lease_of_an_operation_that_renews_it() {
    for ahead in [HOUR, -HOUR, 24 * HOUR] {
        let world = World::new();
        let (first, second) = (world.version(1), world.version(2));
        deploy(&world.pipeline(), &first).await.unwrap();
        let (skewed, _) = replica(&world, ahead);
        let mut lease = world.leased(Purpose::new(Task::Deploy, "ada")).await;
        for _ in 0..10 {
            let refused = deploy(&skewed, &second).await.unwrap_err();
            assert!(refused.is_conflict(), "{ahead}: {refused}");
            let tended = skewed.tend(&shop(), &caller(), &Progress::silent()).await.unwrap();
            assert!(tended.busy.is_some(), "{ahead}: {tended:?}");
            world.wait(10).await;
            lease = world.cluster.renew(&lease).await.expect("it is held still");
        }
    }
}

#[tokio::test]
async fn a_dead_lease_is_free_once_it_was_watched_for_as_long_as_it_lasts() {
    for ahead in [0, HOUR, -HOUR] {
        let world = World::new();
        let (first, second) = (world.version(1), world.version(2));
        deploy(&world.pipeline(), &first).await.unwrap();
        world.leased(Purpose::new(Task::Deploy, "ada")).await;
        world.wait(3600).await;
        let (fresh, clock) = replica(&world, ahead);
        let refused = deploy(&fresh, &second).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conflict, "{refused}");
        let said = refused.to_string();
        assert!(said.contains("may be dead since") && said.contains("a wait of 30 s"), "{said}");
        let tended = fresh.tend(&shop(), &caller(), &Progress::silent()).await.unwrap();
        let until = tended.busy_until.expect("it says when to look again");
        let left = until.duration_since(clock.now()).as_secs();
        assert!((20..=30).contains(&left), "by its own clock: {left} s");
        world.wait(u64::try_from(left).unwrap()).await;
        let tended = fresh.tend(&shop(), &caller(), &Progress::silent()).await.unwrap();
        assert_eq!(tended.busy, None);
        deploy(&fresh, &second).await.unwrap();
    }
}

#[tokio::test]
async fn who_waits_gets_a_dead_lease() {
    let world = World::new();
    let (first, second) = (world.version(1), world.version(2));
    deploy(&world.pipeline(), &first).await.unwrap();
    world.leased(Purpose::new(Task::Deploy, "ada")).await;
    let (fresh, _) = replica(&world, HOUR);
    let request = crate::world::request(&second).waiting(std::time::Duration::from_secs(40));
    fresh.deploy(&shop(), &request, &Progress::silent()).await.unwrap();
}

#[tokio::test]
async fn a_canary_ends_by_the_time_of_the_cluster() {
    for ahead in [100 * HOUR, -100 * HOUR] {
        let world = World::new();
        let (first, second) = (world.version(1), world.version(2));
        deploy(&world.pipeline(), &first).await.unwrap();
        canary(&world.pipeline(), &second).await.unwrap();
        let (skewed, _) = replica(&world, ahead);
        let progress = Progress::silent();
        assert_eq!(skewed.expire(&shop(), &caller(), &progress).await.unwrap(), None, "{ahead}");
        let tended = skewed.tend(&shop(), &caller(), &progress).await.unwrap();
        assert_eq!((tended.expired, tended.busy), (None, None), "{ahead}");
        assert_eq!(skewed.now(&shop()).unwrap(), world.clock.now());
        promote(&skewed, &second).await.unwrap();
        // One that it starts lasts as long as any.
        let third = world.version(3);
        canary(&skewed, &third).await.unwrap();
        let status = world.pipeline().status(&shop()).await.unwrap().canary.unwrap();
        let age = world.clock.now().duration_since(status.started.unwrap());
        assert!(age.unsigned_abs().as_secs() < 60, "{ahead}: {age}");
        let lasts = status.expires.unwrap().duration_since(status.started.unwrap());
        world.wait(lasts.unsigned_abs().as_secs()).await;
        assert!(skewed.expire(&shop(), &caller(), &progress).await.unwrap().is_some(), "{ahead}");
    }
}

#[tokio::test]
async fn clocks_that_are_nearly_right_count_as_right() {
    let world = World::new();
    for (ahead, counts) in [(0, true), (4, true), (-5, true), (6, false), (-6, false)] {
        let clock = SkewedClock::new(world.clock.clone(), SignedDuration::from_secs(ahead));
        let seen = world.cluster.clone().seen_by(Arc::new(clock)).now();
        assert_eq!(seen.is_none(), counts, "{ahead}: {seen:?}");
    }
}
