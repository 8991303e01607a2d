//! A statsd server that keeps what services send and answers as a
//! [`MetricsBackend`](nprt_core::ports::MetricsBackend), so that a comparison needs no metrics system.
//!
//! - [`parse`]: one line of statsd or DogStatsD, without allocating;
//! - [`Aggregator`]: lines become blocks by minute, track, version, pod and route; it is the backend;
//! - [`StatsdServer`]: receives datagrams and streams, feeds the aggregator, and may [forward](StatsdConfig::forward) them.
//!
//! What a client sends belongs to the minute of its arrival on the injected clock; a client that buffers
//! for ten seconds is that much late. The minute in which the aggregator was made is never answered, since
//! only its end was heard.
//!
//! # Lines
//! A bad line costs itself: what is malformed, negative where nothing can be, not finite or absurd, or changes a gauge that was
//! never set is counted by [`Reason`] and service, and the answer says so
//! ([`Measured::left_out`](nprt_core::ports::Measured::left_out)). A sample that was taken at a rate of 0.1 counts ten times.
//!
//! # Room
//! What a server keeps is bounded by [`Limits`], whatever is sent to it. Each of the services that are
//! [named](StatsdConfig::services) has an equal share for certain; others get none. What one does not use, others may, until it
//! does.
//!
//! - Samples are kept as they came while they are few, then as counts in the bins of the sketch that judges: two bytes a bin.
//!   The answer says how far quantiles may be off
//!   ([`AnswerEvidence::quantile_error`](nprt_core::ports::AnswerEvidence::quantile_error)).
//! - One minute may take an eighth of what its service could take. Where more comes, such as a flood of pod names, the metric
//!   that takes the most of it is refused for the rest of that minute, and gives its room back at once: the flood costs
//!   the minutes that it lasts, of the metric that it floods.
//! - Where there is no room, the oldest minute goes: of the service that needs more, if it is beyond its share; else of the one
//!   that is furthest beyond its own.
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
mod answer;
mod arrivals;
mod backend;
mod batch;
mod bins;
mod config;
mod drops;
mod forward;
mod gathered;
mod heard;
mod ingest;
#[cfg(feature = "otlp")]
mod intake;
mod key;
mod limits;
mod line;
mod listen;
mod memo;
mod minute;
mod packed;
mod pattern;
mod ranges;
mod reason;
mod receive;
mod seldom;
mod series;
mod server;
mod service;
mod services;
mod sink;
mod socket;
mod source;
mod stats;
mod stream;
mod tags;
mod timings;
pub(crate) mod varint;

pub use aggregator::Aggregator;
pub use config::{StatsdConfig, StatsdMetric, TagNames, Unit};
pub use limits::Limits;
pub use line::{Kind, Line, Malformed, Metric, parse};
pub use listen::Listen;
pub use reason::Reason;
pub use server::StatsdServer;
pub use stats::{ServiceStats, StatsdStats};
#[cfg(feature = "otlp")]
pub(crate) use {gathered::Reading, pattern::Place, stats::Fate};
