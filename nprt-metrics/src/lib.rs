//! Metrics backends: where nprt reads what stable and canary did. Each answers with the blocks of
//! [`nprt_core::ports::MetricsBackend`]; each is a feature of its own.
//!
#![cfg_attr(
    feature = "statsd",
    doc = "- [`statsd`]: a server that aggregates what services send, and answers itself;"
)]
#![cfg_attr(feature = "prometheus", doc = "- [`prometheus`]: range queries to a Prometheus server.")]

#[cfg(feature = "prometheus")]
mod assemble;
#[cfg(feature = "prometheus")]
mod labels;
#[cfg(feature = "prometheus")]
pub mod prometheus;
#[cfg(feature = "statsd")]
pub mod statsd;

#[cfg(feature = "prometheus")]
pub use labels::Labels;
