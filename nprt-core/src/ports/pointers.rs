//! A `Box` or `Arc` of a backend is a backend, so that an application may hold `Arc<dyn Port>` and wrap it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use jiff::Timestamp;

use super::{
    Applied, Clock, Cluster, ClusterCapabilities, Deletion, ImageRegistry, Lease, LeaseRequest, Lost,
    Measured, MetricQuery, MetricsBackend, MetricsCapabilities, Notification, Notifier, NotifierCapabilities,
    ObjectEvent, RegistryCapabilities, RolloutStatus, Survey, Transition, VcsCapabilities, VcsSource,
};
use crate::Result;
use crate::model::{
    Budget, Commit, Digest, ImageName, Object, ObjectId, Reference, RepoPath, Revision, ServiceName,
    SourceFile, Tag, TimeRange, Track,
};

/// Each port, forwarded through one kind of pointer: once here instead of once a pointer.
macro_rules! forward_ports {
    ($pointer:ident) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<T: VcsSource + ?Sized> VcsSource for $pointer<T> {
            fn capabilities(&self) -> VcsCapabilities {
                (**self).capabilities()
            }

            async fn resolve(&self, reference: &Reference) -> Result<Commit> {
                (**self).resolve(reference).await
            }

            async fn read(
                &self,
                revision: &Revision,
                path: &RepoPath,
                budget: &Budget,
            ) -> Result<Vec<SourceFile>> {
                (**self).read(revision, path, budget).await
            }
        }

        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<T: ImageRegistry + ?Sized> ImageRegistry for $pointer<T> {
            fn capabilities(&self) -> RegistryCapabilities {
                (**self).capabilities()
            }

            async fn tags(&self, image: &ImageName) -> Result<Vec<Tag>> {
                (**self).tags(image).await
            }

            async fn digest(&self, image: &ImageName, tag: &Tag) -> Result<Digest> {
                (**self).digest(image, tag).await
            }
        }

        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<T: MetricsBackend + ?Sized> MetricsBackend for $pointer<T> {
            fn capabilities(&self) -> MetricsCapabilities {
                (**self).capabilities()
            }

            async fn blocks(&self, query: &MetricQuery) -> Result<Measured> {
                (**self).blocks(query).await
            }

            async fn known_since(&self) -> Result<Option<Timestamp>> {
                (**self).known_since().await
            }

            async fn lost(&self, service: &ServiceName, range: TimeRange) -> Result<Vec<Lost>> {
                (**self).lost(service, range).await
            }
        }

        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<T: Notifier + ?Sized> Notifier for $pointer<T> {
            fn capabilities(&self) -> NotifierCapabilities {
                (**self).capabilities()
            }

            async fn notify(&self, notification: &Notification) -> Result<()> {
                (**self).notify(notification).await
            }
        }

        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<T: Clock + ?Sized> Clock for $pointer<T> {
            fn now(&self) -> Timestamp {
                (**self).now()
            }

            fn elapsed(&self) -> Duration {
                (**self).elapsed()
            }

            async fn sleep(&self, duration: Duration) {
                (**self).sleep(duration).await;
            }
        }

        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<T: Cluster + ?Sized> Cluster for $pointer<T> {
            fn capabilities(&self) -> ClusterCapabilities {
                (**self).capabilities()
            }

            fn namespace(&self) -> String {
                (**self).namespace()
            }

            fn now(&self) -> Option<Timestamp> {
                (**self).now()
            }

            async fn list(&self, service: &ServiceName) -> Result<Vec<Object>> {
                (**self).list(service).await
            }

            async fn pods(&self, service: &ServiceName, track: Track) -> Result<Vec<ObjectId>> {
                (**self).pods(service, track).await
            }

            async fn survey(&self, service: &ServiceName) -> Result<Survey> {
                (**self).survey(service).await
            }

            async fn get(&self, id: &ObjectId) -> Result<Option<Object>> {
                (**self).get(id).await
            }

            async fn dry_run(&self, object: &Object) -> Result<Applied> {
                (**self).dry_run(object).await
            }

            async fn apply(&self, lease: &Lease, object: &Object) -> Result<Applied> {
                (**self).apply(lease, object).await
            }

            async fn owned(&self, id: &ObjectId) -> Result<Option<Object>> {
                (**self).owned(id).await
            }

            async fn restore(&self, lease: &Lease, former: &Object) -> Result<Option<Applied>> {
                (**self).restore(lease, former).await
            }

            async fn delete(&self, lease: &Lease, id: &ObjectId) -> Result<Deletion> {
                (**self).delete(lease, id).await
            }

            fn watch_rollout(&self, workload: &ObjectId) -> BoxStream<'static, Result<RolloutStatus>> {
                (**self).watch_rollout(workload)
            }

            async fn record_event(&self, object: &Object, event: &ObjectEvent) -> Result<bool> {
                (**self).record_event(object, event).await
            }

            async fn lease(&self, service: &ServiceName) -> Result<Option<Lease>> {
                (**self).lease(service).await
            }

            async fn transition(&self, service: &ServiceName) -> Result<Option<Transition>> {
                (**self).transition(service).await
            }

            async fn acquire(&self, request: &LeaseRequest) -> Result<Lease> {
                (**self).acquire(request).await
            }

            async fn renew(&self, lease: &Lease) -> Result<Lease> {
                (**self).renew(lease).await
            }

            async fn set_transition(&self, lease: &Lease, transition: Option<Transition>) -> Result<()> {
                (**self).set_transition(lease, transition).await
            }

            async fn release(&self, lease: &Lease) -> Result<bool> {
                (**self).release(lease).await
            }
        }
    };
}

forward_ports!(Box);
forward_ports!(Arc);
