//! Metrics backends: where nprt reads what stable and canary did. Each answers with the blocks of
//! [`nprt_core::ports::MetricsBackend`]; each is a feature of its own.
//!
#![cfg_attr(
    feature = "statsd",
    doc = "- [`statsd`]: a server that aggregates what services send, and answers itself;"
)]
#![cfg_attr(
    feature = "aggregator",
    doc = "- [`aggregator`]: the same in a process of its own, which others ask over HTTP;"
)]
#![cfg_attr(feature = "statsd", doc = "- [`otlp`]: what OpenTelemetry sends, for the same server;")]
#![cfg_attr(feature = "prometheus", doc = "- [`prometheus`]: range queries to a Prometheus server;")]
#![cfg_attr(feature = "datadog", doc = "- [`datadog`]: time series queries to Datadog's API;")]
#![cfg_attr(feature = "sentry", doc = "- [`sentry`]: classes of errors from Sentry, by release;")]
#![cfg_attr(feature = "bugsnag", doc = "- [`bugsnag`]: classes of errors from Bugsnag, by release.")]
// Badges of features on docs.rs.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "aggregator")]
pub mod aggregator;
#[cfg(any(feature = "prometheus", feature = "datadog"))]
mod assemble;
#[cfg(feature = "bugsnag")]
pub mod bugsnag;
#[cfg(feature = "datadog")]
pub mod datadog;
#[cfg(feature = "datadog")]
mod deployed;
#[cfg(any(feature = "prometheus", feature = "datadog", feature = "sentry", feature = "bugsnag"))]
mod error;
#[cfg(any(feature = "sentry", feature = "bugsnag"))]
mod events;
#[cfg(any(feature = "prometheus", feature = "datadog"))]
mod labels;
#[cfg(any(feature = "prometheus", feature = "datadog"))]
mod labels_file;
#[cfg(any(feature = "prometheus", feature = "datadog", feature = "sentry", feature = "bugsnag"))]
mod limits;
#[cfg(feature = "statsd")]
pub mod otlp;
#[cfg(any(feature = "prometheus", feature = "datadog", feature = "otlp"))]
mod outcome;
#[cfg(feature = "prometheus")]
pub mod prometheus;
#[cfg(feature = "sentry")]
pub mod sentry;
#[cfg(feature = "statsd")]
pub mod statsd;
#[cfg(any(feature = "prometheus", feature = "otlp"))]
mod status_code;
#[cfg(any(feature = "prometheus", feature = "datadog"))]
mod sums;
#[cfg(any(feature = "prometheus", feature = "datadog", feature = "statsd"))]
#[cfg_attr(
    not(any(feature = "prometheus", feature = "datadog", feature = "otlp")),
    allow(dead_code, reason = "without these, tracks are configured and nothing is read by them")
)]
mod track;
#[cfg(any(feature = "prometheus", feature = "datadog", feature = "statsd"))]
mod unit;

#[cfg(any(feature = "prometheus", feature = "datadog"))]
pub use labels::Labels;
#[cfg(any(feature = "prometheus", feature = "datadog", feature = "otlp"))]
pub use outcome::RequestOutcome;
#[cfg(any(feature = "prometheus", feature = "datadog", feature = "statsd"))]
pub use {
    track::{Named, TrackLabel},
    unit::MetricUnit,
};

/// The README's snippet compiles and runs.
#[cfg(all(doctest, feature = "statsd"))]
#[doc = include_str!("../README.md")]
struct Readme;
