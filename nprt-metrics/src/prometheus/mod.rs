//! Prometheus, and what speaks its HTTP API (Thanos, Mimir, VictoriaMetrics): one range query a metric, at
//! steps of a minute, so that each point is one block.
//!
//! What to know:
//! - The queries may be yours: [`PrometheusMetric`] has the rules. Read counters by `{increase}(…)`, gauges by
//!   `avg_over_time(…[{window}])`; never a bare gauge: its last value would fill a gap for five minutes.
//! - Scrape each 15 to 30 seconds. A block holds what was scraped in its minute, so that what happened up to
//!   one scrape before it belongs to it too. The first sample after a gap of two minutes counts nothing.
//! - A counter that was not seen in the six hours before counts from zero: the first error of a class counts. The
//!   price: a server that scrapes long-running pods for the first time finds all they ever counted in one
//!   minute. Compare from the minute after.
//! - Many series are asked for in a cheaper way, and too many without their routes: `docs/metrics.md` has the rules, and
//!   `benches/prometheus_cost.rs` what it costs the server.
//! - Counts are whole; where a query of your own extrapolates, its counts are rounded, never to none.
//! - A [`Profile`] has the queries, units and labels of a producer; `docs/metrics.md` says what to scrape for each.
//! - What is no measurement (NaN, a count below zero, a series of no track) costs itself alone: its minute and place are
//!   left out and counted. An answer that the server calls incomplete (`warnings`, `isPartial`) is an error.
//! - Native histograms are read with their own edges, also beside classic ones of the same metric.
//!
//! ```no_run
//! # async fn run() -> nprt_core::Result<()> {
//! use std::sync::Arc;
//! use nprt_core::clock::SystemClock;
//! use nprt_metrics::prometheus::PrometheusConfig;
//!
//! let backend = PrometheusConfig::new("http://prometheus:9090").build(Arc::new(SystemClock))?;
//! # Ok(())
//! # }
//! ```

mod access;
mod answer;
mod backend;
mod buckets;
mod builder;
mod client;
mod config;
mod file;
mod fuzz;
mod increase;
mod measure;
mod native;
mod plan;
mod profile;
mod recorded;
mod series;
mod status;
mod totals;
mod words;

pub use crate::{Labels, MetricUnit, Named, RequestOutcome, TrackLabel};
pub use backend::Prometheus;
pub use config::{MetricSource, PrometheusAuth, PrometheusConfig, PrometheusMetric};
#[doc(hidden)]
pub use fuzz::fuzz_answer;
pub use profile::Profile;
pub use recorded::{Recording, recorded};
pub use status::{StatusLabel, Statuses};
