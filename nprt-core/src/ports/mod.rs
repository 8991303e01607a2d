//! The traits of the outside, one a file with its contract. Each is `Send + Sync` and dyn-safe, needs few
//! methods from its implementor, declares what it can do (`Capabilities`), has a real in-memory backend in
//! `memory`, its contract as functions in `conformance`, and with the feature `mock` a mockall mock.
//!
//! Common to all:
//! - **Cancel-safety**: dropping a returned future stops the call. A read leaves nothing behind; a write
//!   may or may not have reached its server, and says so in its contract.
//! - **Errors** are [`Error`](crate::Error)s: an unclaimed capability answers `Unsupported`, an unknown
//!   name `NotFound` with what is available, and none holds a secret.
#![cfg_attr(feature = "mock", doc = include_str!("mocks.md"))]

mod answer;
mod clock;
mod cluster;
mod event;
mod lease;
mod left_out;
mod measured;
mod metrics;
mod notifier;
mod pointers;
mod purpose;
mod registry;
mod remedy;
mod sightings;
mod survey;
mod tree;
mod vcs;
mod versions;

pub use answer::MetricAnswer;
pub use clock::Clock;
pub use cluster::{Applied, Change, Cluster, ClusterCapabilities, Deletion, RolloutPhase, RolloutStatus};
pub use event::ObjectEvent;
pub use lease::{Activity, Busy, Lease, LeaseRequest, Takeover, Transition};
pub use left_out::{LeftOut, LeftOutReason};
pub use measured::{AnswerEvidence, Measured};
pub use metrics::{Lost, MetricQuery, MetricsBackend, MetricsCapabilities, no_such_metric};
pub use notifier::{CanaryId, Detail, Notification, Notifier, NotifierCapabilities, Occasion, Severity};
pub use purpose::{Purpose, Task};
pub use registry::{ImageRegistry, RegistryCapabilities, no_such_image, no_such_tag};
pub use remedy::remedy;
pub use sightings::Sightings;
pub use survey::Survey;
pub use tree::{LONGEST_LINK, SourceTree, TreeEntry, read_tree};
pub use vcs::{VcsCapabilities, VcsSource, VcsSourceExt};
pub use versions::Versions;

#[cfg(feature = "mock")]
pub use {
    clock::MockClock, cluster::MockCluster, metrics::MockMetricsBackend, notifier::MockNotifier,
    registry::MockImageRegistry, vcs::MockVcsSource,
};
