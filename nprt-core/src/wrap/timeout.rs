use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::model::{
    Budget, Commit, Digest, ImageName, Reference, RepoPath, Revision, ServiceName, SourceFile, Tag, TimeRange,
};
use crate::ports::{
    Clock, ImageRegistry, Lost, Measured, MetricQuery, MetricsBackend, MetricsCapabilities, Notification,
    Notifier, NotifierCapabilities, RegistryCapabilities, VcsCapabilities, VcsSource,
};
use crate::{Error, ErrorKind, Result};

use super::time_left::told;

/// A backend whose calls end with [`ErrorKind::Timeout`], naming the operation, when they take longer than
/// a limit. The call is dropped then: a read leaves nothing behind, a notification may have been delivered.
#[derive(Debug)]
pub struct Timeout<T> {
    inner: T,
    limit: Duration,
    clock: Arc<dyn Clock>,
}

impl<T> Timeout<T> {
    /// Wraps `inner`, whose calls may take `limit` by `clock`.
    #[must_use]
    pub fn new(inner: T, limit: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { inner, limit, clock }
    }

    async fn run<R>(&self, operation: &'static str, call: impl Future<Output = Result<R>>) -> Result<R> {
        tokio::select! {
            // An answer that is there counts, however late anybody looked.
            biased;
            answer = told(self.limit, call) => answer,
            () = self.clock.sleep(self.limit) => {
                Err(Error::new(ErrorKind::Timeout, operation, "no answer in the time allowed")
                    .with("limit", format_args!("{:?}", self.limit)))
            }
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: VcsSource> VcsSource for Timeout<T> {
    fn capabilities(&self) -> VcsCapabilities {
        self.inner.capabilities()
    }

    async fn resolve(&self, reference: &Reference) -> Result<Commit> {
        self.run("vcs.resolve", self.inner.resolve(reference)).await
    }

    async fn read(&self, revision: &Revision, path: &RepoPath, budget: &Budget) -> Result<Vec<SourceFile>> {
        self.run("vcs.read", self.inner.read(revision, path, budget)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: ImageRegistry> ImageRegistry for Timeout<T> {
    fn capabilities(&self) -> RegistryCapabilities {
        self.inner.capabilities()
    }

    async fn tags(&self, image: &ImageName) -> Result<Vec<Tag>> {
        self.run("registry.tags", self.inner.tags(image)).await
    }

    async fn digest(&self, image: &ImageName, tag: &Tag) -> Result<Digest> {
        self.run("registry.digest", self.inner.digest(image, tag)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: MetricsBackend> MetricsBackend for Timeout<T> {
    fn capabilities(&self) -> MetricsCapabilities {
        self.inner.capabilities()
    }

    async fn blocks(&self, query: &MetricQuery) -> Result<Measured> {
        self.run("metrics.blocks", self.inner.blocks(query)).await
    }

    async fn known_since(&self) -> Result<Option<Timestamp>> {
        self.run("metrics.known_since", self.inner.known_since()).await
    }

    async fn lost(&self, service: &ServiceName, range: TimeRange) -> Result<Vec<Lost>> {
        self.run("metrics.lost", self.inner.lost(service, range)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: Notifier> Notifier for Timeout<T> {
    fn capabilities(&self) -> NotifierCapabilities {
        self.inner.capabilities()
    }

    async fn notify(&self, notification: &Notification) -> Result<()> {
        self.run("notifier.notify", self.inner.notify(notification)).await
    }
}
