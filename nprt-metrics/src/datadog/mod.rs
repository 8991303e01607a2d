//! Datadog, by its API for time series (`POST /api/v2/query/timeseries`, or `GET /api/v1/query` where that is not there), a
//! point a minute.
//!
//! What to know:
//! - Latency comes as a distribution where the metric is one and has percentiles enabled, as those of traces have:
//!   [`DatadogMetric::Distribution`] counts what is at or below some edges by Datadog's threshold queries
//!   (`count(v: v<=0.1):metric{…}`). No query answers with the sketch itself. Of any other metric, Datadog keeps
//!   aggregates: a percentile of the minute is a [`DatadogMetric::Value`].
//! - The metrics of traces bear the tags that Datadog chooses: `env`, `service`, `version`, `resource_name`,
//!   `http.status_code`, and additional primary tags. They have no track. `version` tells it, which must be the one
//!   that nprt deployed (`Settings::datadog` of nprt-manifest sets it). A series of neither
//!   track (`N/A`) is counted, and left out.
//! - A point at a longer interval than a minute is left out, too: version 1 says the interval; of version 2, whose answer
//!   does not, the moments tell. A query with a rollup of its own over another time is refused at once.
//! - A 404 is no word about a metric: Datadog answers so now and then. Version 1 is asked then, and what it does not
//!   answer either is `Unavailable`. No other refusal has it asked: both need the permission `timeseries_query`.
//! - Metrics arrive late: a minute counts as complete [`DatadogConfig::delay_seconds`] after its end.
//! - Tested against a fake, not against Datadog. It was made from the public specification (`tests/data/README.md` of
//!   this crate names its parts), <https://docs.datadoghq.com/api/latest/rate-limits/> (the headers `X-RateLimit-*`),
//!   <https://docs.datadoghq.com/metrics/distributions/> (threshold queries) and
//!   <https://docs.datadoghq.com/tracing/metrics/metrics_namespace/> (names and tags of traces).
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
mod buckets;
mod builder;
mod client;
mod config;
mod file;
mod fuzz;
mod profile;
mod query;
mod read;
mod refused;
mod shape;
mod v1;
mod v2;

pub use crate::{Labels, MetricUnit, Named, TrackLabel};
pub use backend::Datadog;
pub use config::{DatadogApi, DatadogConfig, DatadogMetric};
#[doc(hidden)]
pub use fuzz::fuzz_answer;
pub use profile::DatadogProfile;
