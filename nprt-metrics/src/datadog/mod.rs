//! Datadog, by its API for timeseries (`POST /api/v2/query/timeseries`), a point a minute.
//!
//! What to know:
//! - Datadog keeps aggregates: latency comes as one percentile a minute ([`DatadogMetric::Value`]), not as
//!   samples or buckets.
//! - The keys need the permission `timeseries_query`.
//! - Metrics arrive late: a minute counts as complete [`DatadogConfig::delay_seconds`] after its end.
//! - Tested against a fake that was made from the public documentation of the API, not against Datadog.
//!
//! ```no_run
//! # async fn run() -> nprt_core::Result<()> {
//! use std::sync::Arc;
//! use nprt_core::{clock::SystemClock, model::Secret};
//! use nprt_metrics::datadog::DatadogConfig;
//!
//! let (api_key, application_key) = (Secret::new("…"), Secret::new("…"));
//! let backend = DatadogConfig::new(api_key, application_key).build(Arc::new(SystemClock))?;
//! # Ok(())
//! # }
//! ```

mod backend;
mod builder;
mod client;
mod config;

pub use backend::Datadog;
pub use config::{DatadogConfig, DatadogMetric};
