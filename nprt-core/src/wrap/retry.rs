use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use jiff::Timestamp;

use super::{Backoff, Tries};
use crate::model::{
    Budget, Commit, Digest, ImageName, Reference, RepoPath, Revision, ServiceName, SourceFile, Tag, TimeRange,
};
use crate::model::{Object, ObjectId, Track};
use crate::ports::{
    Applied, Clock, Cluster, ClusterCapabilities, Deletion, ImageRegistry, Lease, LeaseRequest, Lost,
    Measured, MetricQuery, MetricsBackend, MetricsCapabilities, Notification, Notifier, NotifierCapabilities,
    ObjectEvent, RegistryCapabilities, RolloutStatus, Survey, Transition, VcsCapabilities, VcsSource,
};
use crate::{Error, ErrorKind, Result};

/// A backend whose calls are tried again after temporary errors.
///
/// | port | what is tried again |
/// |---|---|
/// | [`VcsSource`], [`ImageRegistry`], [`MetricsBackend`] | every temporary error: all their calls are reads |
/// | [`Cluster`] | every temporary error of its reads, [`dry_run`](Cluster::dry_run) among them; no write: one without an answer may have landed, and who repeats it has to look first |
/// | [`Notifier`] | `RateLimited` alone: after any other error the server may have it already, and nobody is told twice |
///
/// Permanent errors are returned at once. The error of the last try becomes
/// [`Retry::Exhausted`](crate::Retry::Exhausted) and says how often it was tried, so that an outer retry
/// does not begin anew.
///
/// Where the server says how long to wait ([`Error::retry_after`]), no try comes sooner. When that is more than
/// [`Backoff::longest`], the error is returned at once, `Exhausted` as well: coming sooner is what the server
/// asked not to do, and waiting longer is what this was told not to do.
///
/// Dropping the future stops the tries, and is as safe as dropping the call.
///
/// ```
/// use std::sync::Arc;
/// use nprt_memory::{ManualClock, MemoryNotifier};
/// use nprt_core::ports::Clock;
/// use nprt_core::wrap::{Backoff, Retry};
///
/// let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
/// let notifier = Retry::new(MemoryNotifier::new(), Backoff::default(), clock);
/// ```
#[derive(Debug)]
pub struct Retry<T> {
    inner: T,
    backoff: Backoff,
    clock: Arc<dyn Clock>,
    /// How many pauses were drawn from the jitter's seed.
    draws: AtomicU64,
}

impl<T> Retry<T> {
    /// Wraps `inner`; `clock` times the pauses.
    #[must_use]
    pub fn new(inner: T, backoff: Backoff, clock: Arc<dyn Clock>) -> Self {
        Self { inner, backoff, clock, draws: AtomicU64::new(0) }
    }

    async fn run<R, F>(&self, retried: fn(&Error) -> bool, call: impl Fn() -> F) -> Result<R>
    where
        F: Future<Output = Result<R>>,
    {
        let mut tries = Tries::new(self.backoff, &*self.clock);
        tries.next().await;
        loop {
            let error = match call().await {
                Err(error) if retried(&error) => error,
                done => return done,
            };
            let draw = self.draws.fetch_add(1, Ordering::Relaxed);
            let wait = error.retry_after().unwrap_or_default();
            let Some(pause) = tries.pause(wait, draw) else {
                return Err(error.with("tries", tries.made()).with_retry(crate::Retry::Exhausted));
            };
            tracing::debug!(%error, tried = tries.made(), ?pause, "trying again");
            tries.after(pause).await;
        }
    }
}

fn not_taken(error: &Error) -> bool {
    error.is_temporary() && error.kind() == ErrorKind::RateLimited
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: VcsSource> VcsSource for Retry<T> {
    fn capabilities(&self) -> VcsCapabilities {
        self.inner.capabilities()
    }

    async fn resolve(&self, reference: &Reference) -> Result<Commit> {
        self.run(Error::is_temporary, || self.inner.resolve(reference)).await
    }

    async fn read(&self, revision: &Revision, path: &RepoPath, budget: &Budget) -> Result<Vec<SourceFile>> {
        self.run(Error::is_temporary, || self.inner.read(revision, path, budget)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: ImageRegistry> ImageRegistry for Retry<T> {
    fn capabilities(&self) -> RegistryCapabilities {
        self.inner.capabilities()
    }

    async fn tags(&self, image: &ImageName) -> Result<Vec<Tag>> {
        self.run(Error::is_temporary, || self.inner.tags(image)).await
    }

    async fn digest(&self, image: &ImageName, tag: &Tag) -> Result<Digest> {
        self.run(Error::is_temporary, || self.inner.digest(image, tag)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: MetricsBackend> MetricsBackend for Retry<T> {
    fn capabilities(&self) -> MetricsCapabilities {
        self.inner.capabilities()
    }

    async fn blocks(&self, query: &MetricQuery) -> Result<Measured> {
        self.run(Error::is_temporary, || self.inner.blocks(query)).await
    }

    async fn known_since(&self) -> Result<Option<Timestamp>> {
        self.run(Error::is_temporary, || self.inner.known_since()).await
    }

    async fn lost(&self, service: &ServiceName, range: TimeRange) -> Result<Vec<Lost>> {
        self.run(Error::is_temporary, || self.inner.lost(service, range)).await
    }
}

/// Its reads alone. A write goes through once, and the stream of a rollout goes on after a break by itself.
#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: Cluster> Cluster for Retry<T> {
    fn capabilities(&self) -> ClusterCapabilities {
        self.inner.capabilities()
    }

    fn namespace(&self) -> String {
        self.inner.namespace()
    }

    fn now(&self) -> Option<Timestamp> {
        self.inner.now()
    }

    async fn list(&self, service: &ServiceName) -> Result<Vec<Object>> {
        self.run(Error::is_temporary, || self.inner.list(service)).await
    }

    async fn pods(&self, service: &ServiceName, track: Track) -> Result<Vec<ObjectId>> {
        self.run(Error::is_temporary, || self.inner.pods(service, track)).await
    }

    async fn survey(&self, service: &ServiceName) -> Result<Survey> {
        self.run(Error::is_temporary, || self.inner.survey(service)).await
    }

    async fn get(&self, id: &ObjectId) -> Result<Option<Object>> {
        self.run(Error::is_temporary, || self.inner.get(id)).await
    }

    async fn dry_run(&self, object: &Object) -> Result<Applied> {
        self.run(Error::is_temporary, || self.inner.dry_run(object)).await
    }

    async fn apply(&self, lease: &Lease, object: &Object) -> Result<Applied> {
        self.inner.apply(lease, object).await
    }

    async fn owned(&self, id: &ObjectId) -> Result<Option<Object>> {
        self.run(Error::is_temporary, || self.inner.owned(id)).await
    }

    async fn restore(&self, lease: &Lease, former: &Object) -> Result<Option<Applied>> {
        self.inner.restore(lease, former).await
    }

    async fn delete(&self, lease: &Lease, id: &ObjectId) -> Result<Deletion> {
        self.inner.delete(lease, id).await
    }

    fn watch_rollout(&self, workload: &ObjectId) -> BoxStream<'static, Result<RolloutStatus>> {
        self.inner.watch_rollout(workload)
    }

    async fn record_event(&self, object: &Object, event: &ObjectEvent) -> Result<bool> {
        self.inner.record_event(object, event).await
    }

    async fn lease(&self, service: &ServiceName) -> Result<Option<Lease>> {
        self.run(Error::is_temporary, || self.inner.lease(service)).await
    }

    async fn transition(&self, service: &ServiceName) -> Result<Option<Transition>> {
        self.run(Error::is_temporary, || self.inner.transition(service)).await
    }

    async fn acquire(&self, request: &LeaseRequest) -> Result<Lease> {
        self.inner.acquire(request).await
    }

    async fn renew(&self, lease: &Lease) -> Result<Lease> {
        self.inner.renew(lease).await
    }

    async fn set_transition(&self, lease: &Lease, transition: Option<Transition>) -> Result<()> {
        self.inner.set_transition(lease, transition).await
    }

    async fn release(&self, lease: &Lease) -> Result<bool> {
        self.inner.release(lease).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: Notifier> Notifier for Retry<T> {
    fn capabilities(&self) -> NotifierCapabilities {
        self.inner.capabilities()
    }

    async fn notify(&self, notification: &Notification) -> Result<()> {
        self.run(not_taken, || self.inner.notify(notification)).await
    }
}
