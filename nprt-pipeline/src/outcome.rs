//! What operations did.

use jiff::Timestamp;
use nprt_core::model::{ObjectId, Revision, ServiceName, Tag, Track};
use nprt_core::ports::Change;
use serde::{Deserialize, Serialize};

use crate::state::running::Running;

/// What a deploy, a canary or a promotion did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// The service.
    pub service: ServiceName,
    /// Where this version runs now.
    pub track: Track,
    /// The version's revision.
    pub revision: Revision,
    /// The tag of its images.
    pub tag: Tag,
    /// Every object that was applied, in order.
    pub applied: Vec<AppliedObject>,
    /// The objects of a canary that were removed, and the [Jobs](nprt_core::model::annotation::RUN) of earlier
    /// versions.
    pub removed: Vec<ObjectId>,
    /// The objects that the manifests no longer hold and that were deleted, by the service's policy.
    pub pruned: Vec<ObjectId>,
    /// Objects that the manifests would change, or whose removal they mean, and that wait for the promotion.
    pub withheld: Vec<ObjectId>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// An object, and what applying it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedObject {
    /// The object.
    pub object: ObjectId,
    /// What became of it.
    pub change: Change,
}

/// What a rollback did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollback {
    /// The service.
    pub service: ServiceName,
    /// The canary that ran; `None` where there was none.
    pub canary: Option<Running>,
    /// What runs on.
    pub stable: Option<Running>,
    /// Its objects, which were removed.
    pub removed: Vec<ObjectId>,
    /// Its pods that were still ending when this was done: a rollback does not wait for them, the next canary
    /// or deploy does.
    pub ending: Vec<ObjectId>,
    /// The operation that was cancelled: who held the lease, and for what.
    pub cancelled: Option<String>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// What a service needed that nobody had asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tended {
    /// The service.
    pub service: ServiceName,
    /// The change that was finished after its process died, and who asked for it.
    pub finished: Option<String>,
    /// The change that was undone because it was cancelled or its process died, and what stable is again.
    pub undone: Option<String>,
    /// The canary whose time was over, and that was removed.
    pub expired: Option<Rollback>,
    /// The canary's workloads that were brought in step with stable's.
    pub scaled: Vec<Scaled>,
    /// Who is changing the service, and how: the next call does what is due.
    pub busy: Option<String>,
    /// When that lease runs out unless it is renewed, by this process's clock: call again then, to settle what the process
    /// left if it died.
    pub busy_until: Option<Timestamp>,
}

/// A workload whose replicas were changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scaled {
    /// Which.
    pub workload: ObjectId,
    /// How many it had.
    pub from: u64,
    /// How many it has.
    pub to: u64,
}
