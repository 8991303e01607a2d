//! Nonfunctional production regression testing: a new version of a service runs beside the stable one in
//! production, both are compared, and the new one is promoted or rolled back without a person.
//!
//! This crate is the front door of the workspace: the model and the ports, and by feature the transformer, the comparator,
//! the pipeline, and one module for each backend.
//!
//! | feature | module | needs |
//! |---|---|---|
//! | `pipeline` (default) | `pipeline`: deploy, canary, judge, promote, roll back; brings `compare` and `manifest` | |
//! | `compare` | `compare`: the comparator; `report`: what a page about one canary shows, as data | |
//! | `manifest` | `manifest`: the transformer | |
//! | `memory` (default) | `memory`: a backend of each port in memory | |
//! | `tokio` | `clock`, `wrap`: clocks, and wrappers around backends | |
//! | `git` (default) | [`git`]: local directories, HTTP, HTTPS and SSH | for SSH the command `ssh` at run time |
//! | `svn` | `svn`: subversion | the command `svn` at run time |
//! | `oci` (default) | [`oci`]: registries; [`layout`]: image layouts on disk | |
//! | `statsd` (default) | [`statsd`]: an embedded server | |
//! | `otlp` | [`otlp`]: OTLP/HTTP for that server | |
//! | `aggregator` | `aggregator`: that server in a process of its own, asked over HTTP | |
//! | `prometheus`, `datadog` | `prometheus`, `datadog` | |
//! | `sentry`, `bugsnag-errors` | `sentry`, `bugsnag_errors`: classes of errors from an error tracker, with [`wrap::ByMetric`] beside one of the above | |
//! | `slack`, `bugsnag`, `webhook` | `slack`, `bugsnag`, `webhook`, and `FanOut` to tell several | |
//! | `kubernetes` | `kubernetes` | the application depends on `k8s-openapi` and chooses its `v1_*` feature |
//! | `report` | `render`: makes HTML and SVG of a canary's `report` | |
//! | `mock` | mocks of every port in [`ports`], for unit tests | |
//! | `conformance` | `conformance`: the contracts as tests, for backends of your own | |

// Badges of features on docs.rs.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub use nprt_core::*;

#[cfg(feature = "compare")]
pub use nprt_compare as compare;
#[cfg(feature = "compare")]
pub use nprt_compare::report;
#[cfg(feature = "manifest")]
pub use nprt_manifest as manifest;
#[cfg(feature = "memory")]
pub use nprt_memory as memory;
#[cfg(feature = "pipeline")]
pub use nprt_pipeline as pipeline;

#[cfg(feature = "kubernetes")]
pub use nprt_k8s as kubernetes;
#[cfg(feature = "aggregator")]
pub use nprt_metrics::aggregator;
#[cfg(feature = "bugsnag-errors")]
pub use nprt_metrics::bugsnag as bugsnag_errors;
#[cfg(feature = "datadog")]
pub use nprt_metrics::datadog;
#[cfg(feature = "prometheus")]
pub use nprt_metrics::prometheus;
#[cfg(feature = "sentry")]
pub use nprt_metrics::sentry;
#[cfg(feature = "statsd")]
pub use nprt_metrics::{otlp, statsd};
#[cfg(any(feature = "slack", feature = "bugsnag", feature = "webhook"))]
pub use nprt_notify::FanOut;
#[cfg(feature = "bugsnag")]
pub use nprt_notify::bugsnag;
#[cfg(feature = "slack")]
pub use nprt_notify::slack;
#[cfg(feature = "webhook")]
pub use nprt_notify::webhook;
#[cfg(feature = "oci")]
pub use nprt_registry::{layout, oci};
#[cfg(feature = "report")]
pub use nprt_report as render;
#[cfg(feature = "git")]
pub use nprt_vcs::git;
#[cfg(feature = "svn")]
pub use nprt_vcs::svn;

/// The README's snippet compiles.
#[cfg(all(doctest, feature = "git", feature = "oci", feature = "prometheus", feature = "kubernetes"))]
#[doc = include_str!("../README.md")]
struct Readme;
