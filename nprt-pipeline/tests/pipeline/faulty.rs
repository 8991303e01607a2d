//! A cluster in memory that fails where it is told to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use nprt_core::model::{Object, ObjectId, ServiceName, Track};
use nprt_core::ports::{
    Applied, Clock, Cluster, ClusterCapabilities, Deletion, Lease, LeaseRequest, ObjectEvent, Purpose,
    RolloutStatus, Survey, Takeover, Task, Transition,
};
use nprt_core::{Error, ErrorKind, Result};
use nprt_memory::{ManualClock, MemoryCluster};
use nprt_pipeline::{Pipeline, Progress};
use tokio::sync::Semaphore;

use crate::world::{World, caller};

/// A cluster in memory that fails where it is told to.
#[derive(Debug)]
pub(crate) struct Faulty {
    pub(crate) cluster: MemoryCluster,
    /// How many renewals fail, as if the server did not answer.
    pub(crate) renewals: AtomicUsize,
    /// How long a failing apply asks to wait.
    pub(crate) wait: Option<Duration>,
    /// How long a renewal that fails takes to do so.
    pub(crate) delay: Duration,
    /// Renewals are never answered.
    pub(crate) silent: bool,
    /// Objects of these names are not deleted.
    pub(crate) stuck: Mutex<BTreeSet<String>>,
    /// How many applies of each of these objects fail, as if the server were overloaded.
    pub(crate) broken: Mutex<BTreeMap<&'static str, usize>>,
    pub(crate) clock: Arc<ManualClock>,
    /// Applies of objects of this name wait for a permit.
    pub(crate) gate: Option<(&'static str, Semaphore)>,
    pub(crate) reached: AtomicBool,
    /// This many more writes begin; the next is never answered. Odd numbers let it land, even ones do not.
    pub(crate) writes: Option<AtomicUsize>,
    /// Somebody takes the lease just before it is given back.
    pub(crate) taken: bool,
    /// What becomes of events where they are not kept.
    pub(crate) eventless: Mutex<Option<Eventless>>,
    /// A person holds the canary by this pipeline just before the next lease is taken.
    pub(crate) person: Mutex<Option<Arc<Pipeline>>>,
    /// Whoever has this lease gives it back just before the next is taken.
    pub(crate) ends: Mutex<Option<Lease>>,
}

/// How a cluster keeps no events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Eventless {
    Refused,
    /// They are never answered.
    Silent,
    /// It does not claim to keep them.
    Unclaimed,
}

impl Faulty {
    async fn write<T>(&self, write: impl Future<Output = Result<T>>) -> Result<T> {
        let Some(left) = &self.writes else { return write.await };
        let half = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(2)));
        let half = half.unwrap();
        if half > 1 {
            return write.await;
        }
        if half == 1 {
            _ = write.await;
        }
        self.reached.store(true, Ordering::SeqCst);
        std::future::pending().await
    }

    pub(crate) fn new(world: &World) -> Self {
        Self {
            cluster: world.cluster.clone(),
            renewals: AtomicUsize::new(0),
            wait: None,
            delay: Duration::ZERO,
            silent: false,
            stuck: Mutex::default(),
            broken: Mutex::default(),
            clock: world.clock.clone(),
            gate: None,
            reached: AtomicBool::new(false),
            writes: None,
            taken: false,
            eventless: Mutex::default(),
            person: Mutex::default(),
            ends: Mutex::default(),
        }
    }
}

pub(crate) fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "test", "down")
}

#[async_trait]
impl Cluster for Faulty {
    fn capabilities(&self) -> ClusterCapabilities {
        let events = *self.eventless.lock().unwrap() != Some(Eventless::Unclaimed);
        ClusterCapabilities { events, ..self.cluster.capabilities() }
    }
    fn namespace(&self) -> String {
        self.cluster.namespace()
    }
    fn now(&self) -> Option<jiff::Timestamp> {
        self.cluster.now()
    }
    async fn list(&self, service: &ServiceName) -> Result<Vec<Object>> {
        self.cluster.list(service).await
    }
    async fn pods(&self, service: &ServiceName, track: Track) -> Result<Vec<ObjectId>> {
        self.cluster.pods(service, track).await
    }
    async fn survey(&self, service: &ServiceName) -> Result<Survey> {
        self.cluster.survey(service).await
    }
    async fn get(&self, id: &ObjectId) -> Result<Option<Object>> {
        self.cluster.get(id).await
    }
    async fn dry_run(&self, object: &Object) -> Result<Applied> {
        self.cluster.dry_run(object).await
    }
    async fn apply(&self, lease: &Lease, object: &Object) -> Result<Applied> {
        if let Some((name, gate)) = &self.gate
            && *name == object.name()
        {
            self.reached.store(true, Ordering::SeqCst);
            gate.acquire().await.unwrap().forget();
        }
        if let Some(left) = self.broken.lock().unwrap().get_mut(object.name())
            && *left > 0
        {
            *left -= 1;
            return Err(down().with_retry_after(self.wait));
        }
        self.write(self.cluster.apply(lease, object)).await
    }
    async fn owned(&self, id: &ObjectId) -> Result<Option<Object>> {
        self.cluster.owned(id).await
    }
    async fn restore(&self, lease: &Lease, former: &Object) -> Result<Option<Applied>> {
        self.write(self.cluster.restore(lease, former)).await
    }
    async fn delete(&self, lease: &Lease, id: &ObjectId) -> Result<Deletion> {
        if self.stuck.lock().unwrap().contains(&id.name) {
            return Err(down());
        }
        self.write(self.cluster.delete(lease, id)).await
    }
    fn watch_rollout(&self, workload: &ObjectId) -> BoxStream<'static, Result<RolloutStatus>> {
        self.cluster.watch_rollout(workload)
    }
    async fn record_event(&self, object: &Object, event: &ObjectEvent) -> Result<bool> {
        let eventless = *self.eventless.lock().unwrap();
        match eventless {
            None => self.cluster.record_event(object, event).await,
            Some(Eventless::Refused) => Err(down()),
            Some(Eventless::Silent) => std::future::pending().await,
            Some(Eventless::Unclaimed) => panic!("it is not claimed"),
        }
    }
    async fn lease(&self, service: &ServiceName) -> Result<Option<Lease>> {
        self.cluster.lease(service).await
    }
    async fn transition(&self, service: &ServiceName) -> Result<Option<Transition>> {
        self.cluster.transition(service).await
    }
    async fn acquire(&self, request: &LeaseRequest) -> Result<Lease> {
        let person = self.person.lock().unwrap().take();
        if let Some(pipeline) = person {
            pipeline.hold(&request.service, &caller(), &Progress::silent()).await?;
        }
        let ends = self.ends.lock().unwrap().take();
        if let Some(lease) = ends {
            self.cluster.release(&lease).await?;
        }
        self.cluster.acquire(request).await
    }
    async fn renew(&self, lease: &Lease) -> Result<Lease> {
        if self.silent {
            return std::future::pending().await;
        }
        let fails = |left: usize| left.checked_sub(1);
        if self.renewals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails).is_ok() {
            self.clock.sleep(self.delay).await;
            return Err(down());
        }
        self.cluster.renew(lease).await
    }
    async fn set_transition(&self, lease: &Lease, transition: Option<Transition>) -> Result<()> {
        self.write(self.cluster.set_transition(lease, transition)).await
    }
    async fn release(&self, lease: &Lease) -> Result<bool> {
        if self.taken {
            let (service, holder) = (lease.service.clone(), "another".to_owned());
            let (purpose, duration) = (Purpose::new(Task::Rollback, "ada"), Duration::from_secs(30));
            let (process, takeover) = ("another-host".to_owned(), Takeover::Now);
            let request = LeaseRequest { service, holder, process, purpose, duration, takeover };
            self.cluster.acquire(&request).await?;
        }
        self.cluster.release(lease).await
    }
}
