use std::fmt::Debug;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ObjectEvent;
use super::lease::{Lease, LeaseRequest, Transition};
use super::survey::Survey;
use crate::Result;
use crate::model::{Object, ObjectId, ServiceName, Track};

/// Where services run: one namespace of a cluster. Objects that name no namespace belong to it.
///
/// # Contract
/// - **Apply** makes the fields that the object names so, and leaves fields of other owners alone
///   (server-side apply). Fields that the manager applied before and no longer names are removed. An
///   object that already is so is not written: `Unchanged`, and no pod restarts.
/// - **Adoption**: fields of the tool by which the object was made (`kubectl apply` of both kinds, `kubectl
///   create`, Helm) become ours with the first apply, so that what the manifest lacks is removed; so does what the
///   manifest names and people changed with kubectl until then. [`Applied::adopts`] says whose. A default
///   without an owner does not block another member of a union (`strategy: {type: Recreate}`).
/// - **Ownership**: an object whose label `nprt.dev/service` names another service than the lease's is not deleted
///   or restored, and not written where it came to that after it was read: a `Conflict` that names both services.
/// - **Replicas** of a live workload that an autoscaler of the namespace [scales](Object::scales) stay as they
///   are, whatever the object names, also where it names none.
/// - **Dry run** validates as the apply would (schema, unknown fields, admission) and changes nothing.
/// - **Writes** carry the [`Lease`] under which they are made; a write under a lease that another took
///   over is a `Conflict` and lands nothing. Dropping the future of a write may or may not have landed it.
/// - **Lease**: at most one holder a service at a time; a holder that does not renew within the lease's
///   duration loses it to whoever asks next and has seen it unchanged for as long, by its own
///   [elapsed time](super::Clock::elapsed). No time of day counts: clocks differ. `epoch` grows with each new holder.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Cluster: Debug + Send + Sync {
    /// What this backend can do.
    fn capabilities(&self) -> ClusterCapabilities;

    /// The namespace of objects that name none.
    fn namespace(&self) -> String;

    /// The cluster's own time, where it is known and [differs](crate::clock::differs) from that of this process: what is
    /// written on objects, and when it is over, goes by the cluster's then.
    fn now(&self) -> Option<Timestamp>;

    /// All live objects with the label `nprt.dev/service: service` in the namespace, by kind and name,
    /// of the kinds that nprt applies. Pods and other objects that controllers made are not among them.
    ///
    /// # Errors
    /// `Unauthenticated`, `Forbidden`, `Unavailable`, `Timeout`.
    async fn list(&self, service: &ServiceName) -> Result<Vec<Object>>;

    /// The pods of a track of the service, by name: those that run and those that still end. What counts are
    /// their labels `nprt.dev/service` and `nprt.dev/track`, as the templates of nprt's workloads give them. Pods that
    /// have finished are not among them.
    ///
    /// # Errors
    /// As [`list`](Cluster::list).
    async fn pods(&self, service: &ServiceName, track: Track) -> Result<Vec<ObjectId>>;

    /// What [`list`](Cluster::list) answers with, and what is around the service in the namespace: whoever selects
    /// pods there or runs them, and all pods. A right that is missing for what is not the service's own is said in
    /// [`unseen`](Survey::unseen) and is no error, except for Services, Deployments and pods.
    ///
    /// # Errors
    /// As [`list`](Cluster::list).
    async fn survey(&self, service: &ServiceName) -> Result<Survey>;

    /// The live object, or `None`.
    ///
    /// # Errors
    /// As [`list`](Cluster::list), and `Invalid` for a kind that the cluster does not know.
    async fn get(&self, id: &ObjectId) -> Result<Option<Object>>;

    /// What [`apply`](Cluster::apply) would do, without doing it. The object that it answers with names its
    /// namespace, unless its kind has none: then it is of the whole cluster.
    ///
    /// # Errors
    /// `Rejected`, naming object and field, when the cluster would refuse it, `Conflict` when another manager
    /// owns a field (with the field and its owner); else as [`get`](Cluster::get).
    async fn dry_run(&self, object: &Object) -> Result<Applied>;

    /// Makes `object` so.
    ///
    /// # Errors
    /// As [`dry_run`](Cluster::dry_run), and `Conflict` when the lease is lost, or the object another service's
    /// since it was read.
    async fn apply(&self, lease: &Lease, object: &Object) -> Result<Applied>;

    /// The part of the live object that this manager has applied, to be given to [`restore`](Cluster::restore)
    /// later: just what identifies the object where nothing of it is, `None` where there is no such object.
    /// Fields that an apply would take over from the tool by which the object was made count as ours.
    ///
    /// # Errors
    /// As [`get`](Cluster::get).
    async fn owned(&self, id: &ObjectId) -> Result<Option<Object>>;

    /// Undoes applies: makes the fields of `former`, which [`owned`](Cluster::owned) answered before them, so
    /// again, and removes those that were applied since. A field that another manager has set meanwhile is
    /// left as it is, and an object that is gone stays so: `None`.
    ///
    /// # Errors
    /// `Conflict` when the lease is lost or the object is another service's; `Rejected` when the cluster no longer accepts it so; else as
    /// [`get`](Cluster::get).
    async fn restore(&self, lease: &Lease, former: &Object) -> Result<Option<Applied>>;

    /// Deletes the object and what it owns. Returns once the object itself is gone, or soon where its finalizers
    /// hold it; its [pods](Cluster::pods) may still end. A workload that has finalizers is scaled to zero first,
    /// since nothing does that once it is marked as deleted.
    ///
    /// # Errors
    /// `Conflict` when the lease is lost or the object is another service's; else as [`get`](Cluster::get).
    async fn delete(&self, lease: &Lease, id: &ObjectId) -> Result<Deletion>;

    /// Follows the rollout of a workload: its present status at once, then each change, and an end after
    /// [`RolloutPhase::Complete`] or [`RolloutPhase::Failed`]. It begins with the generation that is there
    /// when it is called, so that an earlier rollout is never taken for this one. There is no time limit: the
    /// caller stops listening.
    ///
    /// What keeps pods from being ready is in the message, while the rollout goes on and when it has failed:
    /// which pod, which container, why. When such a rollout has failed is for the cluster to say: a crash loop
    /// may heal, and without a deadline of its own a workload stays under way until the caller stops listening.
    ///
    /// The Deployments, StatefulSets and DaemonSets of `apps` are followed, the Jobs of `batch`, which are
    /// complete when they have succeeded, and such other kinds as the backend knows to end.
    ///
    /// # Errors
    /// As the one item of the stream: `NotFound` for a workload that does not exist, `Invalid` for a kind
    /// that has no rollout (with those that have), else as [`list`](Cluster::list).
    fn watch_rollout(&self, workload: &ObjectId) -> BoxStream<'static, Result<RolloutStatus>>;

    /// Keeps `event` with `object`, as the cluster answered with it, where a person looks at the object. No
    /// lease is needed: it changes nothing. `false` where it happens [once](ObjectEvent::once) and is kept already.
    ///
    /// # Errors
    /// `Unsupported` without [`events`](ClusterCapabilities::events); `Rejected` for an object or an event that
    /// the cluster does not accept; else as [`list`](Cluster::list).
    async fn record_event(&self, object: &Object, event: &ObjectEvent) -> Result<bool>;

    /// The service's lease, where anybody holds one that has not [run out](Lease::left).
    ///
    /// # Errors
    /// As [`list`](Cluster::list).
    async fn lease(&self, service: &ServiceName) -> Result<Option<Lease>>;

    /// What the service's lease tells of a change that was begun and not ended, whether anybody holds the lease or
    /// not.
    ///
    /// # Errors
    /// As [`list`](Cluster::list).
    async fn transition(&self, service: &ServiceName) -> Result<Option<Transition>>;

    /// Takes the service's lease.
    ///
    /// # Errors
    /// `Conflict`, saying who holds it, for what and since when ([`Busy::refusal`](super::Busy::refusal)); `Invalid`
    /// for a request that does not [check](LeaseRequest::check); else as [`list`](Cluster::list).
    async fn acquire(&self, request: &LeaseRequest) -> Result<Lease>;

    /// Holds the lease for another [`Lease::duration`].
    ///
    /// # Errors
    /// `Conflict` when the lease is lost ([`Busy::lost`](super::Busy::lost)), saying who took it and for what, also
    /// after that one gave it back; without that where its own holder gave it back, or it was deleted. Else as
    /// [`list`](Cluster::list).
    async fn renew(&self, lease: &Lease) -> Result<Lease>;

    /// Writes on the service's lease between which versions it is being changed, so that whoever takes the
    /// lease over learns of it, and a person who looks. `None` says that this is over; it may be written as
    /// late as with the lease's next renewal or its release.
    ///
    /// # Errors
    /// `Conflict` when the lease is lost; else as [`list`](Cluster::list).
    async fn set_transition(&self, lease: &Lease, transition: Option<Transition>) -> Result<()>;

    /// Gives the lease back, and says whether it was held till then. One that was lost already is no error.
    ///
    /// # Errors
    /// As [`list`](Cluster::list).
    async fn release(&self, lease: &Lease) -> Result<bool>;
}

/// What a [`Cluster`] can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClusterCapabilities {
    /// Unknown and duplicate fields are refused, as by a real API server.
    pub validates_schema: bool,
    /// Other managers' fields are known, and conflicts reported.
    pub field_owners: bool,
    /// The server itself refuses a write under a lost lease, so that not even a request that was under way
    /// when the lease was lost can change an object. One that makes an object may land, and is taken back.
    pub fencing: bool,
    /// [`record_event`](Cluster::record_event) works.
    pub events: bool,
}

/// What an apply did, or would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The object as the cluster has it (or would have it).
    pub object: Object,
    /// What became of it.
    pub change: Change,
    /// The object as it was; `None` where there was none.
    pub before: Option<Object>,
    /// The field managers whose fields this apply takes over, sorted: the tools that made the object.
    pub adopts: Vec<String>,
}

/// What became of an object that was to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deletion {
    /// There was none.
    Absent,
    /// It is gone.
    Gone,
    /// It is marked as deleted, and disappears once others remove these finalizers.
    Held(Vec<String>),
}

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was not there.
    Created,
    /// It differed.
    Configured,
    /// It was so already.
    Unchanged,
}

impl Change {
    /// `created`, `configured` or `unchanged`, as kubectl says it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
        }
    }
}

/// How far the rollout of a workload is, in pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutStatus {
    /// Pods wanted.
    pub desired: u64,
    /// Pods of the new version.
    pub updated: u64,
    /// Pods, of any version, that are ready.
    pub ready: u64,
    /// Where it stands.
    pub phase: RolloutPhase,
    /// The same in words: `2 of 3 pods updated`, and what fails and why. The last lines of a crashed container's
    /// log may be part of it.
    pub message: String,
    /// What people should know about a complete rollout: pods that keep their version, and until when.
    pub warning: Option<String>,
}

/// Where a rollout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RolloutPhase {
    /// Under way.
    Progressing,
    /// All pods are of the new version and ready, and none of an older one is left; or those that are left stay
    /// so on purpose, as the status [warns](RolloutStatus::warning).
    Complete,
    /// It will not complete by itself.
    Failed,
}
