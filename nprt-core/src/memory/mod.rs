//! A real in-memory backend of each port: fixture for tests, example for readers, and reference for what
//! the contract means.

mod clock;
mod cluster;
mod metrics;
mod notifier;
mod registry;
mod skewed;
mod vcs;

pub use clock::ManualClock;
pub use cluster::{ClusterView, MemoryCluster, WorkloadView};
pub use metrics::{MemoryMetrics, Origin};
pub use notifier::MemoryNotifier;
pub use registry::MemoryRegistry;
pub use skewed::SkewedClock;
pub use vcs::{MemoryCommit, MemoryVcs};
