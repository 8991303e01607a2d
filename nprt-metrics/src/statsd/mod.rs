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
//! # Room
//! What a server keeps is bounded by [`Limits`], whatever is sent to it. The room is divided into equal shares among the
//! services that are [named](StatsdConfig::services); others get none. Nothing that is said of one service takes room
//! from another.
//!
//! - One minute may take an eighth of its service's share. Where more comes, such as a flood of pod names, the metric
//!   that takes the most of it is refused for the rest of that minute, and gives its room back at once: the flood costs
//!   the minutes that it lasts, of the metric that it floods.
//! - Where a share is full, the oldest minute of that service goes. A flood makes go an eighth of them at the most, so
//!   that what was heard steadily outlives it.
//! - What was refused or went is counted, and answered by
//!   [`MetricsBackend::lost`](nprt_core::ports::MetricsBackend::lost): a canary does not pass by such minutes.
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
mod gathered;
mod key;
mod limits;
mod line;
mod minute;
mod pattern;
mod room;
mod server;
mod service;
mod services;
mod source;
mod stats;

pub use aggregator::Aggregator;
pub use config::{StatsdConfig, StatsdMetric, TagNames, Unit};
pub use limits::Limits;
pub use line::{Kind, Line, Malformed, Metric, parse};
pub use server::StatsdServer;
pub use stats::{ServiceStats, StatsdStats};
