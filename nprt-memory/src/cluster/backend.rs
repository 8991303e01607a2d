use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};
use jiff::Timestamp;
use nprt_core::clock::differs;
use nprt_core::model::{Object, ObjectId, ServiceName, Track, label};
use nprt_core::ports::{
    Applied, Cluster, ClusterCapabilities, Deletion, Lease, LeaseRequest, ObjectEvent, RolloutPhase,
    RolloutStatus, Survey, Transition,
};
use nprt_core::{Error, ErrorKind, Result};
use tokio::task::coop::consume_budget;

use super::{MemoryCluster, objects, rollout};

/// The kinds that select pods or run them.
const AROUND: [(&str, &str); 10] = [
    ("", "Service"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("batch", "CronJob"),
    ("batch", "Job"),
    ("monitoring.coreos.com", "PodMonitor"),
    ("monitoring.coreos.com", "ServiceMonitor"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("policy", "PodDisruptionBudget"),
];

#[async_trait]
impl Cluster for MemoryCluster {
    fn capabilities(&self) -> ClusterCapabilities {
        ClusterCapabilities { validates_schema: false, field_owners: true, fencing: true, events: true }
    }

    fn namespace(&self) -> String {
        self.namespace.clone()
    }

    fn now(&self) -> Option<Timestamp> {
        let now = self.clock.now();
        differs(self.reader.now(), now).then_some(now)
    }

    async fn list(&self, service: &ServiceName) -> Result<Vec<Object>> {
        let state = self.state();
        let objects = state.objects().map(|stored| &stored.object).filter(|object| {
            object.label(label::SERVICE) == Some(service.as_str())
                && object.namespace() == Some(self.namespace.as_str())
                && !objects::is_controlled(object)
        });
        Ok(objects.cloned().collect())
    }

    async fn pods(&self, service: &ServiceName, track: Track) -> Result<Vec<ObjectId>> {
        Ok(self.state().pods(&self.namespace, service, track, self.clock.now()))
    }

    async fn survey(&self, service: &ServiceName) -> Result<Survey> {
        let own = self.list(service).await?;
        let state = self.state();
        let is_around = |object: &&Object| {
            AROUND.contains(&(object.id().group(), object.kind()))
                && object.label(label::SERVICE) != Some(service.as_str())
                && object.namespace() == Some(self.namespace.as_str())
                && !objects::is_controlled(object)
        };
        let others = state.objects().map(|stored| &stored.object).filter(is_around).cloned().collect();
        let pods = state.all_pods(&self.namespace, self.clock.now())?;
        Ok(Survey { own, others, pods, unseen: Vec::new() })
    }

    async fn get(&self, id: &ObjectId) -> Result<Option<Object>> {
        Ok(self.state().get(id, &self.namespace)?.map(|stored| stored.object.clone()))
    }

    async fn dry_run(&self, object: &Object) -> Result<Applied> {
        // Thousands are asked at once, and answered without waiting for anything.
        consume_budget().await;
        Ok(self.state().prepare(self.as_nprt(), object)?.0)
    }

    async fn apply(&self, lease: &Lease, object: &Object) -> Result<Applied> {
        consume_budget().await;
        let write = self.as_nprt();
        let mut state = self.state();
        state.leases.check(lease, "cluster.apply")?;
        let applied = state.write(write, object)?;
        drop(state);
        self.tell();
        Ok(applied)
    }

    async fn owned(&self, id: &ObjectId) -> Result<Option<Object>> {
        self.state().owned(self.as_nprt(), id)
    }

    async fn restore(&self, lease: &Lease, former: &Object) -> Result<Option<Applied>> {
        let write = self.as_nprt();
        let mut state = self.state();
        state.leases.check(lease, "cluster.restore")?;
        let services = [Some(lease.service.as_str()), former.label(label::SERVICE)];
        state.belongs_to(&services, &former.id(), &self.namespace)?;
        let restored = state.restore(write, former)?;
        drop(state);
        self.tell();
        Ok(restored)
    }

    async fn delete(&self, lease: &Lease, id: &ObjectId) -> Result<Deletion> {
        let write = self.as_nprt();
        let mut state = self.state();
        state.leases.check(lease, "cluster.delete")?;
        state.belongs_to(&[Some(lease.service.as_str())], id, &self.namespace)?;
        let deleted = state.delete(write, id)?;
        drop(state);
        self.tell();
        Ok(deleted)
    }

    fn watch_rollout(&self, workload: &ObjectId) -> BoxStream<'static, Result<RolloutStatus>> {
        let follow = Follow { cluster: self.clone(), workload: workload.clone(), last: None };
        stream::unfold(Some(follow), |follow| async {
            let mut follow = follow?;
            match follow.next().await {
                Ok(status) => {
                    let ended = status.phase != RolloutPhase::Progressing;
                    follow.last = Some(status.clone());
                    Some((Ok(status), (!ended).then_some(follow)))
                }
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }

    async fn record_event(&self, object: &Object, event: &ObjectEvent) -> Result<bool> {
        let mut state = self.state();
        let id = state.place(object.id(), &self.namespace)?;
        let is_kept = |(of, kept): &(ObjectId, ObjectEvent)| *of == id && kept.name() == event.name();
        if event.name().is_some() && state.events.iter().any(is_kept) {
            return Ok(false);
        }
        state.events.push((id, event.clone()));
        Ok(true)
    }

    async fn lease(&self, service: &ServiceName) -> Result<Option<Lease>> {
        Ok(self.state().leases.read(service, &self.reader))
    }

    async fn transition(&self, service: &ServiceName) -> Result<Option<Transition>> {
        Ok(self.state().leases.transition(service))
    }

    async fn acquire(&self, request: &LeaseRequest) -> Result<Lease> {
        self.state().leases.acquire(request, self.right_time(), &self.reader)
    }

    async fn renew(&self, lease: &Lease) -> Result<Lease> {
        self.state().leases.renew(lease, self.right_time(), &self.reader)
    }

    async fn set_transition(&self, lease: &Lease, transition: Option<Transition>) -> Result<()> {
        self.state().leases.set_transition(lease, transition.as_ref())
    }

    async fn release(&self, lease: &Lease) -> Result<bool> {
        Ok(self.state().leases.release(lease))
    }
}

/// A rollout that somebody watches.
struct Follow {
    cluster: MemoryCluster,
    workload: ObjectId,
    last: Option<RolloutStatus>,
}

impl Follow {
    /// Waits until the status is another than the last one told.
    async fn next(&mut self) -> Result<RolloutStatus> {
        let mut written = self.cluster.shared.written.subscribe();
        loop {
            let (status, wait) = self.look()?;
            if self.last.as_ref() != Some(&status) {
                return Ok(status);
            }
            let changed = written.changed();
            match wait {
                // The cluster holds the sender, so that `changed` fails never.
                None => _ = changed.await,
                Some(wait) => {
                    let sleep = self.cluster.clock.sleep(wait);
                    _ = futures_util::future::select(std::pin::pin!(changed), sleep).await;
                }
            }
        }
    }

    /// The status now, and how long until it may change by itself.
    fn look(&self) -> Result<(RolloutStatus, Option<std::time::Duration>)> {
        let MemoryCluster { namespace, rollout_delay, clock, .. } = &self.cluster;
        let state = self.cluster.state();
        let not_found = || {
            Error::new(ErrorKind::NotFound, "cluster.watch_rollout", "no such workload")
                .with("object", &self.workload)
        };
        let stored = state.get(&self.workload, namespace)?.ok_or_else(not_found)?;
        let Some(rollout) = &stored.rollout else {
            return Err(Error::invalid("cluster.watch_rollout", "this kind has no rollout")
                .with("object", &self.workload)
                .with_available(rollout::KINDS));
        };
        let now = clock.now();
        let status = rollout.status(&stored.object, *rollout_delay, now);
        Ok((status, rollout.next_change(&stored.object, *rollout_delay, now)))
    }
}
