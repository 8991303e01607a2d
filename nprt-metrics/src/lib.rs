//! Metrics backends: where nprt reads what stable and canary did. Each answers with the blocks of
//! [`nprt_core::ports::MetricsBackend`]; each is a feature of its own.
//!
#![cfg_attr(
    feature = "statsd",
    doc = "- [`statsd`]: a server that aggregates what services send, and answers itself."
)]

#[cfg(feature = "statsd")]
pub mod statsd;
