//! What a retry repeats of a cluster: its reads, and no write.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use nprt_core::clock::ManualClock;
use nprt_core::model::{Object, ObjectId, ServiceName, Track};
use nprt_core::ports::{Clock, Cluster, Lease, LeaseRequest, MockCluster, ObjectEvent, Purpose, Takeover};
use nprt_core::wrap::{Backoff, Retry, Tries};
use nprt_core::{Error, ErrorKind, Result};
use serde_json::json;

const TRIES: u32 = 5;

fn busy<T>() -> Result<T> {
    Err(Error::new(ErrorKind::Unavailable, "test", "busy"))
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::auto_advancing(ManualClock::default().now()))
}

fn wrapped(cluster: MockCluster) -> Retry<MockCluster> {
    Retry::new(cluster, Backoff::default(), clock())
}

fn service() -> ServiceName {
    "cart".parse().unwrap()
}

fn object() -> Object {
    Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cart"}})).unwrap()
}

fn id() -> ObjectId {
    object().id()
}

fn lease() -> Lease {
    let now = ManualClock::default().now();
    Lease {
        service: service(),
        holder: "test".into(),
        process: "host".into(),
        purpose: Purpose::unknown("a test"),
        epoch: 1,
        acquired: now,
        renewed: now,
        duration: Duration::from_secs(60),
        left: Duration::from_secs(60),
        transition: None,
    }
}

#[tokio::test]
async fn every_read_is_tried_again() {
    let times = usize::try_from(TRIES).unwrap();
    let mut cluster = MockCluster::new();
    cluster.expect_list().times(times).returning(|_| busy());
    cluster.expect_pods().times(times).returning(|_, _| busy());
    cluster.expect_survey().times(times).returning(|_| busy());
    cluster.expect_get().times(times).returning(|_| busy());
    cluster.expect_dry_run().times(times).returning(|_| busy());
    cluster.expect_owned().times(times).returning(|_| busy());
    cluster.expect_lease().times(times).returning(|_| busy());
    cluster.expect_transition().times(times).returning(|_| busy());
    let cluster = wrapped(cluster);
    let errors = [
        cluster.list(&service()).await.unwrap_err(),
        cluster.pods(&service(), Track::Canary).await.unwrap_err(),
        cluster.survey(&service()).await.unwrap_err(),
        cluster.get(&id()).await.unwrap_err(),
        cluster.dry_run(&object()).await.unwrap_err(),
        cluster.owned(&id()).await.unwrap_err(),
        cluster.lease(&service()).await.unwrap_err(),
        cluster.transition(&service()).await.unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.retry() == nprt_core::Retry::Exhausted), "{errors:?}");
}

#[tokio::test]
async fn no_write_is_tried_again() {
    let mut cluster = MockCluster::new();
    cluster.expect_apply().once().returning(|_, _| busy());
    cluster.expect_restore().once().returning(|_, _| busy());
    cluster.expect_delete().once().returning(|_, _| busy());
    cluster.expect_record_event().once().returning(|_, _| busy());
    cluster.expect_acquire().once().returning(|_| busy());
    cluster.expect_renew().once().returning(|_| busy());
    cluster.expect_set_transition().once().returning(|_, _| busy());
    cluster.expect_release().once().returning(|_| busy());
    let (cluster, lease) = (wrapped(cluster), lease());
    let request = LeaseRequest {
        service: service(),
        holder: "test".into(),
        process: "host".into(),
        purpose: Purpose::unknown("a test"),
        duration: Duration::from_secs(60),
        takeover: Takeover::Now,
    };
    let event = ObjectEvent::normal("Deployed", "a note");
    let errors = [
        cluster.apply(&lease, &object()).await.unwrap_err(),
        cluster.restore(&lease, &object()).await.unwrap_err(),
        cluster.delete(&lease, &id()).await.unwrap_err(),
        cluster.record_event(&object(), &event).await.unwrap_err(),
        cluster.acquire(&request).await.unwrap_err(),
        cluster.renew(&lease).await.unwrap_err(),
        cluster.set_transition(&lease, None).await.unwrap_err(),
        cluster.release(&lease).await.unwrap_err(),
    ];
    assert!(errors.iter().all(Error::is_temporary), "whoever knows the write may repeat it: {errors:?}");
}

#[tokio::test]
async fn a_loop_of_tries_ends_after_the_last_and_pauses_as_the_backoff_says() {
    let five = NonZeroU32::new(TRIES).unwrap();
    for (backoff, passed) in [(Backoff::immediate(five), 0), (Backoff::default(), 3750)] {
        let clock = clock();
        let mut tries = Tries::new(backoff, &*clock);
        let mut made = Vec::new();
        while tries.next().await {
            made.push(tries.made());
        }
        assert_eq!(made, [1, 2, 3, 4, 5]);
        assert!(!tries.next().await, "it has ended");
        assert_eq!(clock.elapsed().as_millis(), passed, "{backoff:?}");
    }
}
