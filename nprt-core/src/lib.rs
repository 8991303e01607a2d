//! The core of nprt: what every backend implements and every application composes. It does no I/O and
//! knows no HTTP, no git and no Kubernetes client.
//!
//! - [`model`]: the values (service, revision, tag, image, track, block, object);
//! - [`ports`]: the traits of the outside (version control, registry, metrics, cluster, notifier, clock);
//! - [`compare`]: the comparator and its verdict;
//! - [`manifest`]: from a service's manifests to the objects of one track of one version;
//! - [`pipeline`]: deploy, canary, judge, promote, roll back;
//! - [`report`]: what a page about one canary shows, as plain data;
//! - [`memory`]: a backend of each port in memory; `conformance` (feature): the contracts as tests;
//! - [`wrap`]: retries and time-outs around any backend;
//! - [`clock`]: the system's clock, and a faster one.

pub mod clock;
pub mod compare;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
pub mod manifest;
pub mod memory;
pub mod model;
pub mod pipeline;
pub mod ports;
pub mod report;
pub mod wrap;

pub use error::{Error, ErrorKind, Result, Retry};
