//! What every part of nprt shares: the values, the ports to the outside with their contracts, the error, and clocks. It
//! does no I/O and knows no HTTP, no git and no Kubernetes client.
//!
//! - [`model`]: the values (service, revision, tag, image, track, block, object);
//! - [`verdict`]: what a comparison says, as data;
//! - [`ports`]: the traits of the outside (version control, registry, metrics, cluster, notifier, clock);
//! - `clock` (feature `tokio`): the system's clock, a faster one, and two for tests;
//! - `wrap` (feature `tokio`): retries and time-outs around any backend;
//! - `conformance` (feature): the contracts as tests.
//!
//! The comparator is `nprt-compare`, the transformer `nprt-manifest`, the flow `nprt-pipeline`, and a backend of each port
//! in memory `nprt-memory`.

// Badges of features on docs.rs.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "tokio")]
pub mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
pub mod model;
pub mod ports;
pub mod verdict;
#[cfg(feature = "tokio")]
pub mod wrap;

pub use error::{Error, ErrorKind, Result, Retry};

/// The README's snippet compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
