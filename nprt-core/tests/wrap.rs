//! Retry and time-out around the ports that read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use nprt_core::clock::ManualClock;
use nprt_core::model::{Budget, Commit, Digest, ImageName, Reference, RepoPath, Revision, SourceFile, Tag};
use nprt_core::ports::{
    Clock, ImageRegistry, Measured, MetricQuery, MetricsBackend, MockImageRegistry, MockMetricsBackend,
    MockVcsSource, RegistryCapabilities, VcsSource, Versions,
};
use nprt_core::wrap::{Backoff, Jitter, Retry, Timeout};
use nprt_core::{Error, ErrorKind, Result};

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::auto_advancing(ManualClock::default().now()))
}

fn error(kind: ErrorKind) -> Error {
    Error::new(kind, "test", "as told")
}

fn seconds(clock: &ManualClock) -> i64 {
    clock.now().duration_since(ManualClock::default().now()).as_secs()
}

/// Five tries with pauses of 10, 20, 40 and 80 seconds.
fn backoff() -> Backoff {
    let first = Duration::from_secs(10);
    Backoff { first, longest: Duration::from_secs(3600), ..Backoff::default() }
}

fn image() -> ImageName {
    "shop/cart".parse().unwrap()
}

/// A registry that fails as often as told, and counts its calls.
fn failing(times: u32, kind: ErrorKind) -> (MockImageRegistry, Arc<AtomicU32>) {
    let calls = Arc::new(AtomicU32::new(0));
    let mut registry = MockImageRegistry::new();
    let counted = Arc::clone(&calls);
    registry.expect_tags().returning(move |_| {
        let call = counted.fetch_add(1, Ordering::Relaxed);
        if call < times { Err(error(kind)) } else { Ok(vec!["main-3f2a91c".parse().unwrap()]) }
    });
    (registry, calls)
}

#[tokio::test]
async fn a_temporary_error_is_tried_again_after_growing_pauses() {
    for (times, passed) in [(0, 0), (1, 10), (2, 30), (3, 70), (4, 150)] {
        let clock = clock();
        let (registry, calls) = failing(times, ErrorKind::Unavailable);
        let retry = Retry::new(registry, backoff(), Arc::clone(&clock) as Arc<dyn Clock>);
        assert_eq!(retry.tags(&image()).await.unwrap().len(), 1);
        assert_eq!((calls.load(Ordering::Relaxed), seconds(&clock)), (times + 1, passed));
    }
}

#[tokio::test]
async fn the_last_error_is_exhausted_and_an_outer_retry_leaves_it() {
    let (registry, calls) = failing(u32::MAX, ErrorKind::RateLimited);
    let inner = Retry::new(registry, backoff(), clock());
    let error = Retry::new(inner, backoff(), clock()).tags(&image()).await.unwrap_err();
    assert_eq!((error.retry(), error.kind()), (nprt_core::Retry::Exhausted, ErrorKind::RateLimited));
    assert_eq!(calls.load(Ordering::Relaxed), 5);
}

#[tokio::test]
async fn no_try_comes_sooner_than_the_server_asks_for() {
    let longest = backoff().longest;
    let more = longest + Duration::from_nanos(1);
    // (what the server asks for, how often it is called, after how many seconds in all)
    for (asked, calls, passed) in [(Duration::ZERO, 2, 10), (longest, 2, longest.as_secs()), (more, 1, 0)] {
        let mut registry = MockImageRegistry::new();
        let called = Arc::new(AtomicU32::new(0));
        let calling = Arc::clone(&called);
        registry.expect_tags().returning(move |_| match calling.fetch_add(1, Ordering::Relaxed) {
            0 => Err(error(ErrorKind::RateLimited).with_retry_after(asked)),
            _ => Ok(vec![]),
        });
        let clock = clock();
        let retry = Retry::new(registry, backoff(), Arc::clone(&clock) as Arc<dyn Clock>);
        let result = retry.tags(&image()).await;
        assert_eq!(
            (called.load(Ordering::Relaxed), seconds(&clock)),
            (calls, i64::try_from(passed).unwrap()),
            "{asked:?}"
        );
        let Err(error) = result else { continue };
        assert_eq!((error.retry(), error.retry_after()), (nprt_core::Retry::Exhausted, Some(more)));
        assert_eq!(calls, 1, "{error:?}");
    }
}

#[tokio::test]
async fn a_permanent_error_is_returned_at_once() {
    let (registry, calls) = failing(u32::MAX, ErrorKind::NotFound);
    let error = Retry::new(registry, backoff(), clock()).tags(&image()).await.unwrap_err();
    assert_eq!((error.retry(), calls.load(Ordering::Relaxed)), (nprt_core::Retry::Permanent, 1));
}

#[tokio::test]
async fn a_dropped_retry_stops_trying() {
    let clock = Arc::new(ManualClock::default());
    let (registry, calls) = failing(u32::MAX, ErrorKind::Unavailable);
    let retry = Retry::new(registry, backoff(), Arc::clone(&clock) as Arc<dyn Clock>);
    let image = image();
    tokio::select! {
        _ = retry.tags(&image) => panic!("the clock stands still"),
        () = clock.wait_for_sleepers(1) => {}
    }
    clock.advance(Duration::from_secs(3600));
    tokio::task::yield_now().await;
    assert_eq!((calls.load(Ordering::Relaxed), clock.sleepers()), (1, 0));
}

#[tokio::test]
async fn one_seed_gives_the_same_pauses_each_time() {
    let passed = async |seed| {
        let clock = clock();
        let (registry, _) = failing(u32::MAX, ErrorKind::Unavailable);
        let backoff = Backoff { jitter: Jitter::Full { seed }, ..backoff() };
        let retry = Retry::new(registry, backoff, Arc::clone(&clock) as Arc<dyn Clock>);
        assert!(retry.tags(&image()).await.is_err());
        clock.now()
    };
    assert_eq!(passed(1).await, passed(1).await);
    assert_ne!(passed(1).await, passed(2).await);
}

/// Never answers.
#[derive(Debug)]
struct Silent;

#[async_trait]
impl ImageRegistry for Silent {
    fn capabilities(&self) -> RegistryCapabilities {
        RegistryCapabilities { digests: true }
    }

    async fn tags(&self, _: &ImageName) -> Result<Vec<Tag>> {
        std::future::pending().await
    }

    async fn digest(&self, _: &ImageName, _: &Tag) -> Result<Digest> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_silent_backend_times_out_naming_the_operation() {
    let clock = clock();
    let timeout = Timeout::new(Silent, Duration::from_secs(30), Arc::clone(&clock) as Arc<dyn Clock>);
    let error = timeout.digest(&image(), &"a".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.to_string(), "registry.digest: timed out: no answer in the time allowed (limit: 30s)");
    assert!(error.is_temporary());
    assert_eq!(seconds(&clock), 30);
    assert_eq!(timeout.capabilities(), RegistryCapabilities { digests: true });

    let each_try = Retry::new(timeout, backoff(), Arc::clone(&clock) as Arc<dyn Clock>);
    assert_eq!(each_try.tags(&image()).await.unwrap_err().retry(), nprt_core::Retry::Exhausted);
    assert_eq!(seconds(&clock), 30 + 5 * 30 + 150);
    let in_all = Timeout::new(each_try, Duration::from_secs(60), Arc::clone(&clock) as Arc<dyn Clock>);
    let error = in_all.tags(&image()).await.unwrap_err();
    assert_eq!((error.operation(), seconds(&clock)), ("registry.tags", 330 + 60));
}

/// Each method of each port goes through, and is tried again.
#[tokio::test]
async fn every_read_is_tried_again() {
    let clock = clock();
    let wrapped = |vcs: MockVcsSource| {
        let limited = Timeout::new(vcs, Duration::from_secs(1), Arc::clone(&clock) as Arc<dyn Clock>);
        Retry::new(limited, backoff(), Arc::clone(&clock) as Arc<dyn Clock>)
    };
    let revision = Revision::Svn(7);
    let commit = Commit {
        revision: revision.clone(),
        author: String::new(),
        time: clock.now(),
        message: String::new(),
        changed: None,
    };

    let mut vcs = MockVcsSource::new();
    let mut answers = vec![Ok(commit.clone()), Err(error(ErrorKind::Timeout))];
    vcs.expect_resolve().times(2).returning(move |_| answers.pop().unwrap());
    let mut answers = vec![Ok(Vec::<SourceFile>::new()), Err(error(ErrorKind::Unavailable))];
    vcs.expect_read().times(2).returning(move |_, _, _| answers.pop().unwrap());
    let vcs = wrapped(vcs);
    assert_eq!(vcs.resolve(&Reference::Revision(revision.clone())).await.unwrap(), commit);
    assert_eq!(vcs.read(&revision, &RepoPath::new(".").unwrap(), &Budget::default()).await.unwrap(), []);

    let mut metrics = MockMetricsBackend::new();
    let mut answers = vec![Ok(Measured::default()), Err(error(ErrorKind::RateLimited))];
    metrics.expect_blocks().times(2).returning(move |_| answers.pop().unwrap());
    let metrics = Retry::new(metrics, backoff(), Arc::clone(&clock) as Arc<dyn Clock>);
    let query = MetricQuery {
        service: "cart".parse().unwrap(),
        metric: "latency".parse().unwrap(),
        range: nprt_core::model::TimeRange::before(clock.now(), Duration::from_secs(60)),
        versions: Versions::default(),
    };
    assert_eq!(metrics.blocks(&query).await.unwrap().blocks, []);

    let mut registry = MockImageRegistry::new();
    let digest: Digest = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
    let mut answers = vec![Ok(digest.clone()), Err(error(ErrorKind::Unavailable))];
    registry.expect_digest().times(2).returning(move |_, _| answers.pop().unwrap());
    let registry = Retry::new(registry, backoff(), Arc::clone(&clock) as Arc<dyn Clock>);
    assert_eq!(registry.digest(&image(), &"a".parse().unwrap()).await.unwrap(), digest);
}
