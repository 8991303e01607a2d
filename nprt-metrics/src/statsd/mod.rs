//! A statsd server that keeps what services send and answers as a
//! [`MetricsBackend`](nprt_core::ports::MetricsBackend), so that a comparison needs no metrics system.
//!
//! - [`parse`]: one line of statsd or DogStatsD, without allocating;
//! - [`Aggregator`]: lines become blocks by minute, track, version, pod and route; it is the backend;
//! - [`StatsdServer`]: receives datagrams and feeds the aggregator.
//!
//! What a client sends belongs to the minute of its arrival on the injected clock; a client that buffers
//! for ten seconds is that much late. The minute in which the aggregator was made is never answered, since
//! only its end was heard.
//!
//! ```no_run
//! # async fn run() -> nprt_core::Result<()> {
//! use std::sync::Arc;
//! use nprt_core::clock::SystemClock;
//! use nprt_metrics::statsd::{StatsdConfig, StatsdServer};
//!
//! let server = StatsdServer::start(&StatsdConfig::default(), Arc::new(SystemClock))?;
//! let backend = server.backend(); // an `Arc<Aggregator>`, which is a `MetricsBackend`
//! # Ok(())
//! # }
//! ```

mod aggregator;
mod backend;
mod config;
mod line;
mod minute;
mod pattern;
mod server;
mod stats;

pub use aggregator::Aggregator;
pub use config::{Limits, StatsdConfig, StatsdMetric, TagNames, Unit};
pub use line::{Kind, Line, Malformed, Metric, parse};
pub use server::StatsdServer;
pub use stats::StatsdStats;
