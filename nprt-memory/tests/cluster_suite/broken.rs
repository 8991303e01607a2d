//! Clusters that are broken, each in one way.

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use nprt_core::model::{Object, ObjectId, ServiceName, Track};
use nprt_core::ports::{
    Applied, Change, Cluster, ClusterCapabilities, Deletion, Lease, LeaseRequest, ObjectEvent, RolloutPhase,
    RolloutStatus, Survey, Takeover, Transition,
};
use nprt_core::{Error, ErrorKind, Result};
use nprt_memory::MemoryCluster;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A dry run writes.
    DryRunWrites,
    /// What is no longer named stays.
    NothingRemoved,
    /// Fields are taken from whoever owns them.
    ByForce,
    /// Every apply says that it changed something.
    AlwaysConfigured,
    /// A lost lease may still write.
    NoFence,
    /// A lost lease may still delete.
    NoFenceForDelete,
    /// What others applied is ours.
    OwnsEverything,
    /// A lost lease may still restore.
    NoFenceForRestore,
    /// A restore takes fields from others.
    RestoresByForce,
    /// A restore makes anew what is gone.
    RestoresWhatIsGone,
    /// Whoever asks gets the lease.
    NoLease,
    /// A lease is not given back.
    NeverReleased,
    /// A lease that was lost is said to have been held till it was given back.
    ReleasesWhatIsLost,
    /// Whoever gives a lease back, it is gone.
    ReleasesAnyLease,
    /// Every rollout is complete.
    CompleteAtOnce,
    /// A rollout that failed goes on for ever.
    NeverFails,
    /// The list is empty.
    ListsNothing,
    /// The list is in no order.
    Unsorted,
    /// Deleting always says that there was one.
    AlwaysDeleted,
    /// No pod is told.
    NoPods,
    /// The pods of one track are those of each.
    PodsOfAnyTrack,
    /// What is not there is an empty rollout.
    SilentRollout,
    /// What has no rollout is complete.
    EverythingRollsOut,
    /// Who took a lease is not told once it was given back.
    ForgetsHolder,
    /// Events are kept nowhere.
    NoEvents,
    /// Events are refused, and claimed.
    RefusesEvents,
    /// What happens once is kept each time.
    RepeatsEvents,
    /// Between which versions a service is changed is not written.
    ForgetsTransition,
    /// A change of version is never over.
    KeepsTransition,
    /// What names an owner outlives it.
    ForgetsOwners,
    /// A survey sees what is the service's own alone.
    SeesOwnAlone,
    /// A survey sees no pods.
    SeesNoPods,
    /// A survey takes what the service has for others'.
    SeesOwnAsOthers,
    /// A lease that was asked for longer lasts as long as one may.
    ShortensLeases,
}

#[derive(Debug)]
pub(crate) struct Broken(pub(crate) MemoryCluster, pub(crate) Fault);

impl Broken {
    fn has(&self, fault: Fault) -> bool {
        self.1 == fault
    }

    /// A lease that is good, whatever became of the one given.
    async fn any_lease(&self, lease: &Lease) -> Lease {
        self.0.lease(&lease.service).await.unwrap().unwrap_or_else(|| lease.clone())
    }
}

#[async_trait]
impl Cluster for Broken {
    fn capabilities(&self) -> ClusterCapabilities {
        self.0.capabilities()
    }
    fn namespace(&self) -> String {
        self.0.namespace()
    }
    fn now(&self) -> Option<jiff::Timestamp> {
        self.0.now()
    }
    async fn list(&self, service: &ServiceName) -> Result<Vec<Object>> {
        let mut objects = self.0.list(service).await?;
        if self.has(Fault::Unsorted) {
            objects.reverse();
        }
        Ok(if self.has(Fault::ListsNothing) { Vec::new() } else { objects })
    }
    async fn pods(&self, service: &ServiceName, track: Track) -> Result<Vec<ObjectId>> {
        match self.1 {
            Fault::NoPods => Ok(Vec::new()),
            Fault::PodsOfAnyTrack => self.0.pods(service, Track::Stable).await,
            _ => self.0.pods(service, track).await,
        }
    }
    async fn survey(&self, service: &ServiceName) -> Result<Survey> {
        let mut survey = self.0.survey(service).await?;
        match self.1 {
            Fault::SeesOwnAlone => survey.others.clear(),
            Fault::SeesNoPods => survey.pods.clear(),
            Fault::SeesOwnAsOthers => survey.others.extend(survey.own.iter().cloned()),
            _ => {}
        }
        Ok(survey)
    }
    async fn get(&self, id: &ObjectId) -> Result<Option<Object>> {
        self.0.get(id).await
    }
    async fn dry_run(&self, object: &Object) -> Result<Applied> {
        if self.has(Fault::DryRunWrites) {
            return self.0.apply_as("nprt", object);
        }
        self.0.dry_run(object).await
    }
    async fn apply(&self, lease: &Lease, object: &Object) -> Result<Applied> {
        let lease = if self.has(Fault::NoFence) { &self.any_lease(lease).await } else { lease };
        if self.has(Fault::ByForce) {
            return self.0.apply_as("nprt", object);
        }
        let mut object = object.clone();
        if self.has(Fault::NothingRemoved)
            && let Some(live) = self.0.get(&object.id()).await?
            && let Some(data) = live.as_value()["data"].as_object()
        {
            for (key, value) in data {
                object.as_value_mut()["data"].as_object_mut().unwrap().entry(key).or_insert(value.clone());
            }
        }
        if self.has(Fault::ForgetsOwners) {
            object.as_value_mut()["metadata"].as_object_mut().unwrap().remove("ownerReferences");
        }
        let mut applied = self.0.apply(lease, &object).await?;
        if self.has(Fault::AlwaysConfigured) && applied.change == Change::Unchanged {
            applied.change = Change::Configured;
        }
        Ok(applied)
    }
    async fn owned(&self, id: &ObjectId) -> Result<Option<Object>> {
        if self.has(Fault::OwnsEverything) {
            return self.0.get(id).await;
        }
        self.0.owned(id).await
    }
    async fn restore(&self, lease: &Lease, former: &Object) -> Result<Option<Applied>> {
        let lease = if self.has(Fault::NoFenceForRestore) { &self.any_lease(lease).await } else { lease };
        if self.has(Fault::RestoresByForce) {
            return self.0.apply_as("nprt", former).map(Some);
        }
        if self.has(Fault::RestoresWhatIsGone) {
            return self.0.apply(lease, former).await.map(Some);
        }
        self.0.restore(lease, former).await
    }
    async fn delete(&self, lease: &Lease, id: &ObjectId) -> Result<Deletion> {
        let lease = if self.has(Fault::NoFenceForDelete) { &self.any_lease(lease).await } else { lease };
        let deleted = self.0.delete(lease, id).await?;
        Ok(if self.has(Fault::AlwaysDeleted) { Deletion::Gone } else { deleted })
    }
    fn watch_rollout(&self, workload: &ObjectId) -> BoxStream<'static, Result<RolloutStatus>> {
        let statuses = self.0.watch_rollout(workload);
        match self.1 {
            Fault::CompleteAtOnce => statuses
                .map(|status| status.map(|s| RolloutStatus { phase: RolloutPhase::Complete, ..s }))
                .take(1)
                .boxed(),
            Fault::NeverFails => statuses
                .flat_map(|status| match status {
                    Ok(status) if status.phase == RolloutPhase::Failed => stream::pending().boxed(),
                    status => stream::once(std::future::ready(status)).boxed(),
                })
                .boxed(),
            Fault::EverythingRollsOut if workload.kind == "ConfigMap" => {
                let phase = RolloutPhase::Complete;
                let status = RolloutStatus {
                    desired: 0,
                    updated: 0,
                    ready: 0,
                    phase,
                    message: String::new(),
                    warning: None,
                };
                stream::once(std::future::ready(Ok(status))).boxed()
            }
            Fault::SilentRollout => statuses.filter(|s| std::future::ready(s.is_ok())).boxed(),
            _ => statuses,
        }
    }
    async fn record_event(&self, object: &Object, event: &ObjectEvent) -> Result<bool> {
        match self.1 {
            Fault::NoEvents => Ok(true),
            Fault::RepeatsEvents => {
                let again = ObjectEvent::normal(event.reason(), event.note());
                let again = if event.is_warning() {
                    ObjectEvent::warning(event.reason(), event.note())
                } else {
                    again
                };
                self.0.record_event(object, &again).await
            }
            Fault::RefusesEvents => Err(Error::new(ErrorKind::Unsupported, "cluster.record_event", "no")),
            _ => self.0.record_event(object, event).await,
        }
    }
    async fn lease(&self, service: &ServiceName) -> Result<Option<Lease>> {
        self.0.lease(service).await
    }
    async fn transition(&self, service: &ServiceName) -> Result<Option<Transition>> {
        self.0.transition(service).await
    }
    async fn acquire(&self, request: &LeaseRequest) -> Result<Lease> {
        if self.has(Fault::NoLease) {
            return self.0.acquire(&LeaseRequest { takeover: Takeover::Now, ..request.clone() }).await;
        }
        if self.has(Fault::ShortensLeases) {
            let duration = request.duration.min(LeaseRequest::LONGEST);
            return self.0.acquire(&LeaseRequest { duration, ..request.clone() }).await;
        }
        self.0.acquire(request).await
    }
    async fn renew(&self, lease: &Lease) -> Result<Lease> {
        let renewed = self.0.renew(lease).await;
        if self.has(Fault::ForgetsHolder) && self.0.lease(&lease.service).await?.is_none() {
            return renewed.map_err(|error| Error::new(error.kind(), error.operation(), "it is lost"));
        }
        renewed
    }
    async fn set_transition(&self, lease: &Lease, transition: Option<Transition>) -> Result<()> {
        match self.1 {
            Fault::ForgetsTransition => Ok(()),
            Fault::KeepsTransition if transition.is_none() => Ok(()),
            _ => self.0.set_transition(lease, transition).await,
        }
    }
    async fn release(&self, lease: &Lease) -> Result<bool> {
        match self.1 {
            Fault::NeverReleased => Ok(true),
            Fault::ReleasesWhatIsLost => self.0.release(lease).await.map(|_| true),
            Fault::ReleasesAnyLease => self.0.release(&self.any_lease(lease).await).await,
            _ => self.0.release(lease).await,
        }
    }
}
