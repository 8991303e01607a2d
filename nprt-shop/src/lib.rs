//! A simulated shop, for demonstrations of nprt: what a team has before nprt comes.
//!
//! - [`Sources`]: a git repository with the manifests of Google's Online Boutique, and OCI layouts of its images;
//! - [`Repository`]: any other git repository, written in process;
//! - [`Pods`]: the traffic of both tracks, as statsd packets over UDP, each version with its [`Behaviour`].
//!
//! What is sent does not depend on luck: every run of a version sends the same.

mod behaviour;
mod images;
mod manifests;
mod metrics;
mod pods;
mod random;
mod repository;
mod sources;

pub use behaviour::Behaviour;
pub use pods::Pods;
pub use repository::Repository;
pub use sources::{Sources, Version};

/// What may go wrong while it is made: files, git, sockets.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
