//! A cluster in memory: server-side apply, rollouts driven by a clock, leases. The reference for the
//! contract of [`Cluster`](nprt_core::ports::Cluster).

mod backend;
mod fields;
mod kinds;
mod lease;
mod objects;
mod owned;
mod pods;
mod reader;
mod rollout;
mod state;
mod validate;
mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use nprt_core::Result;
use nprt_core::model::{Object, ObjectId};
use nprt_core::ports::{Applied, Clock, Deletion, ObjectEvent};
use reader::Reader;
use state::{State, Write};
use tokio::sync::watch;
pub use view::{ClusterView, WorkloadView};

/// One namespace of a cluster in memory. Copies share it, as several processes share a real one.
///
/// Objects are applied as by a real API server: fields have owners, those that are no longer named are
/// removed, those of others stay; names, labels, selectors and containers are checked (unknown fields are
/// not). A workload's pods of a new template become ready one after another, all within the rollout's
/// delay of the clock, and those of a Job succeed by then. The annotation `sim/behaviour: crash-loop`,
/// `image-pull` or `never-ready` on a pod template makes them fail, and `fail` those of a Job.
///
/// ```
/// use std::sync::Arc;
/// use nprt_core::{clock::SystemClock, model::Object};
/// use nprt_memory::MemoryCluster;
/// let cluster = MemoryCluster::new(Arc::new(SystemClock));
/// let config = Object::new(serde_json::json!({
///     "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "colours"}, "data": {"sky": "blue"}
/// }))?;
/// cluster.apply_as("kubectl", &config)?;
/// assert_eq!(cluster.objects().len(), 1);
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MemoryCluster {
    namespace: String,
    rollout_delay: Duration,
    termination: Duration,
    clock: Arc<dyn Clock>,
    reader: Reader,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Tells the followers of rollouts that something was written.
    written: watch::Sender<u64>,
}

impl MemoryCluster {
    /// An empty cluster, whose namespace is `default`, whose rollouts take 2 seconds, and whose pods take one
    /// to end after their workload is gone.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            namespace: "default".to_owned(),
            rollout_delay: Duration::from_secs(2),
            termination: Duration::from_secs(1),
            reader: Reader::new(Arc::clone(&clock)),
            clock,
            shared: Arc::default(),
        }
    }

    /// The same cluster, seen from another namespace.
    #[must_use]
    pub fn with_namespace(self, namespace: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), ..self }
    }

    /// The same cluster, as another process sees it whose machine has another clock. Copies of it are that process, too.
    #[must_use]
    pub fn seen_by(self, clock: Arc<dyn Clock>) -> Self {
        Self { reader: Reader::new(clock), ..self }
    }

    /// The same cluster, with rollouts that take `delay`.
    #[must_use]
    pub fn with_rollout_delay(self, rollout_delay: Duration) -> Self {
        Self { rollout_delay, ..self }
    }

    /// The same cluster, with pods that take `termination` to end.
    #[must_use]
    pub fn with_termination(self, termination: Duration) -> Self {
        Self { termination, ..self }
    }

    /// Writes as another field manager, by force and without a lease: what a person with kubectl or a
    /// controller does.
    ///
    /// # Errors
    /// `Rejected` and `Invalid`, as [`Cluster::apply`](nprt_core::ports::Cluster::apply).
    pub fn apply_as(&self, manager: &str, object: &Object) -> Result<Applied> {
        let write = Write { manager, force: true, ..self.as_nprt() };
        let applied = self.state().write(write, object)?;
        self.tell();
        Ok(applied)
    }

    /// Deletes without a lease, as a person with kubectl does; `false` when there was none. Unlike an API server,
    /// which leaves that to controllers, it also ends the pods of a workload that has finalizers.
    ///
    /// # Errors
    /// `Invalid` for an unknown kind.
    pub fn delete_as_person(&self, id: &ObjectId) -> Result<bool> {
        let deleted = self.state().delete(self.as_nprt(), id)?;
        self.tell();
        Ok(deleted != Deletion::Absent)
    }

    /// All objects of the namespace, and those without one, by kind and name.
    #[must_use]
    pub fn objects(&self) -> Vec<Object> {
        let state = self.state();
        let objects = state.objects().map(|stored| &stored.object);
        objects.filter(|o| o.namespace().is_none_or(|n| n == self.namespace)).cloned().collect()
    }

    /// What was [recorded](nprt_core::ports::Cluster::record_event) of which object, the newest last.
    #[must_use]
    pub fn events(&self) -> Vec<(ObjectId, ObjectEvent)> {
        self.state().events.clone()
    }

    /// What runs in the namespace.
    #[must_use]
    pub fn view(&self) -> ClusterView {
        let state = self.state();
        let now = self.clock.now();
        let view = |stored: &state::Stored| {
            let rollout = stored.rollout.as_ref()?;
            let status = rollout.status(&stored.object, self.rollout_delay, now);
            let here = stored.object.namespace() == Some(self.namespace.as_str());
            here.then(|| WorkloadView::new(stored, rollout.number, status))
        };
        ClusterView { workloads: state.objects().filter_map(view).collect() }
    }

    /// A write by nprt, now.
    fn as_nprt(&self) -> Write<'_> {
        Write {
            manager: "nprt",
            force: false,
            namespace: &self.namespace,
            now: self.clock.now(),
            rollout_delay: self.rollout_delay,
            termination: self.termination,
        }
    }

    /// The reader's time, or the cluster's where they differ.
    fn right_time(&self) -> Timestamp {
        nprt_core::ports::Cluster::now(self).unwrap_or_else(|| self.reader.now())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic cannot leave it half written: each write inserts what was prepared.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.shared.written.send_modify(|writes| *writes += 1);
    }
}
