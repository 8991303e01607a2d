//! A real in-memory backend of each port: fixture for tests, example for readers, and reference for what
//! the contract means.

mod cluster;
mod metrics;
mod notifier;
mod registry;
mod vcs;

pub use cluster::{ClusterView, MemoryCluster, WorkloadView};
pub use metrics::{MemoryMetrics, Origin};
pub use notifier::MemoryNotifier;
pub use nprt_core::clock::{ManualClock, SkewedClock};
pub use registry::MemoryRegistry;
pub use vcs::{MemoryCommit, MemoryVcs};

/// The README's snippet compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
