//! The flow: deploy, canary, judge, promote, roll back. Each is a page over the ports.
//!
//! A [`Pipeline`] knows [`Service`]s and the [`Ports`] by which each sees the outside. Its operations change
//! one service under that service's lease, so that no two replicas or processes change it at once; they tell
//! each step to a [`Progress`] and keep no state of their own: what runs is read from the cluster.
//!
//! What changes a service is told to its [`Notifier`](nprt_core::ports::Notifier). That, and each verdict that is not
//! inconclusive, is left as one [event](nprt_core::ports::Cluster::record_event) on stable's first Deployment, where
//! `kubectl describe` shows it: `Deployed`, `CanaryStarted`, `CanaryPassed`, `CanaryRegressed`, `Promoted`,
//! `RolledBack`, `Undecided`, `Held`, `Resumed`, `Replaced`, `Expired`, `Cancelled`, `Undone` and `Failed`, with who asked for a change and why. An operation
//! that fails before it has read what runs, such as for a commit that is not there, leaves none. Neither news nor
//! events ever fail an operation.
//!
//! ```
//! use std::sync::Arc;
//! use nprt_core::clock::FastClock;
//! use nprt_memory::{MemoryCluster, MemoryMetrics, MemoryNotifier, MemoryRegistry, MemoryVcs};
//! use nprt_core::model::{Digest, ServiceName, Tag, Track};
//! use nprt_pipeline::{Caller, Pipeline, PipelineSettings, Ports, Progress, Request, Service};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> nprt_core::Result<()> {
//! let clock = Arc::new(FastClock::new(1000));
//! let (vcs, registry) = (Arc::new(MemoryVcs::new()), Arc::new(MemoryRegistry::new()));
//! let cluster = MemoryCluster::new(clock.clone());
//! let ports = Ports {
//!     vcs: vcs.clone(),
//!     registry: registry.clone(),
//!     metrics: Arc::new(MemoryMetrics::new(clock.clone())),
//!     cluster: Arc::new(cluster.clone()),
//!     notifier: Arc::new(MemoryNotifier::new()),
//! };
//! let shop = ServiceName::new("shop")?;
//! let pipeline = Pipeline::new("my-host", clock, PipelineSettings::default())?
//!     .with_service(Service::new(shop.clone()), ports)?;
//!
//! let commit = vcs.commit("main").file("kubernetes/web.yaml", r#"
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: web}
//! spec:
//!   selector: {matchLabels: {app: web}}
//!   template:
//!     metadata: {labels: {app: web}}
//!     spec: {containers: [{name: web, image: registry.example.com/web}]}
//! "#).push()?;
//! let digest = Digest::new(&format!("sha256:{}", "0a".repeat(32)))?;
//! registry.push(&"registry.example.com/web".parse()?, &Tag::for_commit("main", &commit.revision), &digest);
//!
//! let request = Request::new(commit.revision.clone().into(), Caller::new("ada", "the first version")?);
//! let done = pipeline.deploy(&shop, &request, &Progress::silent()).await?;
//! assert_eq!((done.track, done.revision), (Track::Stable, commit.revision));
//! assert_eq!(cluster.view().workloads[0].status.ready, 1);
//! # Ok(())
//! # }
//! ```

mod apply;
mod compute;
mod context;
mod judge;
mod judgement;
mod lease;
mod news;
mod operation;
mod operations;
mod outcome;
mod phase;
mod pipeline;
mod plan;
mod progress;
mod request;
mod rules;
mod service;
mod settings;
mod state;
mod stop;
mod undo;
mod version;
mod wait;

pub use judgement::Judgement;
pub use operations::measure::Measured;
pub use operations::preview::{Preview, PreviewedObject};
pub use operations::status::Status;
pub use outcome::{AppliedObject, Deployment, Rollback, Scaled, Tended};
pub use pipeline::Pipeline;
pub use progress::{Event, Events, Progress};
pub use request::{Caller, Request};
pub use service::{DriftPolicy, Ports, Service};
pub use settings::PipelineSettings;
pub use state::running::{Held, Running};
pub use stop::Stop;

/// The README's snippet compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
