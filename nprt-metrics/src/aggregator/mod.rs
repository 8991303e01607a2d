//! A statsd server in a process of its own, which any number of others ask over HTTP: so all replicas of a tool judge
//! by the same measurements, and lose none of them when they are started anew.
//!
//! - [`AggregatorConfig`]: where it is; built, it is a [`MetricsBackend`](nprt_core::ports::MetricsBackend);
//! - [`Endpoint`]: the other side, without an HTTP server: what such a process answers with. It asks any backend, such
//!   as the [aggregator of statsd](crate::statsd) for which this was made.
//!
//! # On the wire, version 1
//! Requests are `GET`, and answers JSON; both are bound to one version by the path. Whoever serves it asks for a
//! bearer token, since measurements are nobody's business, and answers 401 without.
//!
//! - `v1/blocks?service=shop&metric=latency&from=29453760&to=29453820`: the blocks of those minutes (since 1970, `to`
//!   is the first one after) as `{"version": 1, "blocks": […], "next": null}`, each block an object of
//!   [replay](nprt_compare::replay) without `run`. Where `next` is a minute, the answer ends before it, and the
//!   rest is asked for from there: an answer has some 4 MiB at most, but at least one minute. Beside the blocks stand
//!   `"left_out": [{"reason": "negative", "minute": 29453761, "track": "canary", "points": 3}]`, `"notes": […]` and
//!   `"evidence": {"queries": […], "points": 7200, "bytes": 0, "resolution_seconds": 60, "quantile_error": null}`, as
//!   [`Measured`](nprt_core::ports::Measured) has them; where one is missing, nothing is known of it.
//! - `v1/known-since`: `{"version": 1, "known_since": 29453740}`, the first minute that an answer can hold; `null` of a
//!   backend that keeps history.
//! - `v1/lost?service=shop&from=29453760&to=29453820`: what was measured of those minutes and is not in their blocks, as
//!   `{"version": 1, "lost": [{"minutes": {"start": 29453761, "end": 29453762}, "metric": "latency", "lines": 1000}]}`;
//!   where `metric` is `null`, all metrics. A server that does not know this path lost nothing that it knows of.
//! - Errors: `{"version": 1, "error": "no such metric", "available": ["cpu", "latency"], "reason": "not-configured"}`
//!   with status 404 for a metric that is not configured (another 404 does not say so, whatever its text), 400 for a question that cannot be read, 503 where asking again may help, else 500.
//!
//! ```no_run
//! # async fn run() -> nprt_core::Result<()> {
//! use nprt_metrics::aggregator::AggregatorConfig;
//!
//! let backend = AggregatorConfig::new("http://statsd:8126", "the-token").build()?;
//! # Ok(())
//! # }
//! ```

mod backend;
mod builder;
mod client;
mod config;
mod endpoint;
mod fuzz;
mod wire;

pub use backend::RemoteAggregator;
pub use config::AggregatorConfig;
pub use endpoint::{Endpoint, Reply};
#[doc(hidden)]
pub use fuzz::fuzz_answer;
