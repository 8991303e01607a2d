//! Datadog, by its API for timeseries (`POST /api/v2/query/timeseries`), a point a minute.
//!
//! What to know:
//! - Datadog keeps aggregates: latency comes as one percentile a minute ([`DatadogMetric::Value`]), not as
//!   samples or buckets.
//! - The keys need the permission `timeseries_query`.
//! - Metrics arrive late: a minute counts as complete [`DatadogConfig::delay_seconds`] after its end.
//! - The metrics of traces bear the tags that Datadog chooses: `env`, `service`, `version`,
//!   `resource_name`, `http.status_code`, and additional primary tags. Make `track` such a tag, or count and
//!   time requests by metrics of your own. A tag that a metric does not bear is answered as if it were
//!   `null` in [`DatadogConfig::tags`]; without a track, the answer is an error.
//! - Tested against a fake, not against Datadog. It was made from
//!   <https://docs.datadoghq.com/api/latest/metrics/query-timeseries-data-across-multiple-products/> (request
//!   and answer, `errors`), <https://docs.datadoghq.com/api/latest/rate-limits/> (the headers `X-RateLimit-*`)
//!   and <https://docs.datadoghq.com/tracing/metrics/metrics_namespace/> (names and tags of the defaults).
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
mod fuzz;

pub use crate::{Labels, Named, TrackLabel};
pub use backend::Datadog;
pub use config::{DatadogConfig, DatadogMetric};
#[doc(hidden)]
pub use fuzz::fuzz_answer;
