//! A real in-memory backend of each port: fixture for tests, example for readers, and reference for what
//! the contract means.

mod metrics;

pub use metrics::{MemoryMetrics, Origin};
