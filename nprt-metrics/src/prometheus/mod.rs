//! Prometheus, and what speaks its HTTP API (Thanos, Mimir, VictoriaMetrics): one range query a metric, at
//! steps of a minute, so that each point is one block.
//!
//! What to know:
//! - The queries are yours: [`PrometheusMetric`] has the rules. Read a range (`increase(…[{window}])`,
//!   `avg_over_time(…[{window}])`), never a bare gauge: its last value would fill a gap for five minutes.
//! - Scrape at least every 30 seconds: an increase needs two scrapes in the minute.
//! - `increase` extrapolates; counts are rounded to whole ones. It does not see the first increment of a
//!   counter that appears with it: initialise the counters of error classes with 0.
//! - What is not finite, and an answer that the server calls incomplete (`warnings`), is an error.
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

mod backend;
mod buckets;
mod builder;
mod client;
mod config;

pub use backend::Prometheus;
pub use config::{PrometheusAuth, PrometheusConfig, PrometheusMetric};
