//! The cluster's suite over pointers, and over clusters that are broken: it must find each fault.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

mod broken;

use std::sync::Arc;

use async_trait::async_trait;
use broken::{Broken, Fault};
use nprt_core::conformance::cluster::{self, ClusterFixture};
use nprt_core::model::Object;
use nprt_core::ports::{Clock, Cluster, ObjectEvent};
use nprt_memory::{ManualClock, MemoryCluster};

struct Fixture {
    cluster: MemoryCluster,
    clock: Arc<ManualClock>,
}

impl Fixture {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::auto_advancing(ManualClock::default().now()));
        Self { cluster: MemoryCluster::new(clock.clone()), clock }
    }
}

#[async_trait]
impl ClusterFixture for Fixture {
    fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    async fn apply_as(&self, manager: &str, object: &Object) {
        self.cluster.apply_as(manager, object).unwrap();
    }

    async fn seen_by(&self, clock: Arc<dyn Clock>) -> Arc<dyn Cluster> {
        Arc::new(self.cluster.clone().seen_by(clock))
    }

    async fn events(&self, object: &Object) -> Vec<ObjectEvent> {
        let all = self.cluster.events().into_iter();
        all.filter(|(id, _)| *id == object.id()).map(|(_, event)| event).collect()
    }
}

#[tokio::test]
async fn pointers_keep_the_contract() {
    let fixture = Fixture::new();
    let boxed: Box<dyn Cluster> = Box::new(Arc::new(fixture.cluster.clone()));
    cluster::all(&boxed, &fixture).await;
}

#[tokio::test]
async fn the_suite_finds_each_fault() {
    for fault in [
        Fault::DryRunWrites,
        Fault::NothingRemoved,
        Fault::ByForce,
        Fault::AlwaysConfigured,
        Fault::NoFence,
        Fault::NoFenceForDelete,
        Fault::OwnsEverything,
        Fault::NoFenceForRestore,
        Fault::RestoresByForce,
        Fault::RestoresWhatIsGone,
        Fault::NoLease,
        Fault::NeverReleased,
        Fault::ReleasesAnyLease,
        Fault::ReleasesWhatIsLost,
        Fault::CompleteAtOnce,
        Fault::NeverFails,
        Fault::ListsNothing,
        Fault::Unsorted,
        Fault::AlwaysDeleted,
        Fault::NoPods,
        Fault::PodsOfAnyTrack,
        Fault::SilentRollout,
        Fault::EverythingRollsOut,
        Fault::ForgetsHolder,
        Fault::NoEvents,
        Fault::RefusesEvents,
        Fault::RepeatsEvents,
        Fault::ForgetsTransition,
        Fault::KeepsTransition,
        Fault::ForgetsOwners,
        Fault::SeesOwnAlone,
        Fault::SeesNoPods,
        Fault::SeesOwnAsOthers,
        Fault::ShortensLeases,
    ] {
        let found = tokio::spawn(async move {
            let fixture = Fixture::new();
            cluster::all(&Broken(fixture.cluster.clone(), fault), &fixture).await;
        });
        assert!(found.await.is_err_and(|error| error.is_panic()), "{fault:?} was not found");
    }
}
