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

mod about;
mod allowed;
mod apply;
mod branch;
mod canary;
mod checkpoint;
mod compute;
mod decided;
mod definitions;
mod deploy;
mod drift;
mod ending;
mod event;
mod expire;
mod held;
mod job;
mod judge_canary;
mod lease;
mod live;
mod marked;
mod measured;
mod names;
mod notify;
mod ownership;
mod past_canary;
mod phase;
mod plan;
mod preview;
mod progress;
mod promote;
mod promotion;
mod prune;
mod render;
mod request;
mod rollback;
mod rollout;
mod routes_back;
mod run;
mod service;
mod settings;
mod source;
mod status;
mod stop;
mod strangers;
mod tag;
mod tend;
mod traffic;
mod undo;
mod untold;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use nprt_core::model::ServiceName;
use nprt_core::ports::Clock;
use nprt_core::{Error, Result};
use tokio::sync::Semaphore;

pub use drift::DriftPolicy;
pub use held::Held;
pub use judge_canary::Judgement;
pub use live::Running;
pub use measured::Measured;
pub use preview::{Preview, PreviewedObject};
pub use progress::{Event, Events, Progress};
pub use request::{AppliedObject, Caller, Deployment, Request};
pub use rollback::Rollback;
use service::Services;
pub use service::{Ports, Service};
pub use settings::PipelineSettings;
pub use status::Status;
pub use stop::Stop;
pub use tend::{Scaled, Tended};

/// Deploys services.
#[derive(Debug)]
pub struct Pipeline {
    clock: Arc<dyn Clock>,
    settings: PipelineSettings,
    services: Services,
    /// The process, as people know it.
    process: String,
    /// Unique to this pipeline, as the beginning of its leases' holders.
    holder: String,
    operations: AtomicU64,
    /// The end of the last canary of each service that is known to be told.
    told: Mutex<BTreeMap<ServiceName, Timestamp>>,
    stop: Stop,
    computing: Arc<Semaphore>,
}

impl Pipeline {
    /// A pipeline without services. `process` is the public name of this process, such as its host's or pod's name.
    /// Conflicts and statuses show it while this process changes a service.
    ///
    /// # Errors
    /// `Invalid`, naming the field, for a setting out of its bounds.
    pub fn new(process: &str, clock: Arc<dyn Clock>, settings: PipelineSettings) -> Result<Self> {
        settings.check()?;
        // Tells apart two processes of one name and number, such as those of two containers, and two pipelines of one
        // process.
        let random = RandomState::new().build_hasher().finish();
        let time = clock.now().as_microsecond();
        let (process, holder) =
            (process.to_owned(), format!("{process}/{}/{time}/{random:x}", std::process::id()));
        let (services, operations, stop) = (Services::default(), AtomicU64::new(1), Stop::new());
        Ok(Self {
            clock,
            settings,
            services,
            process,
            holder,
            operations,
            told: Mutex::default(),
            stop,
            computing: compute::room(),
        })
    }

    /// Adds a service, or replaces the one of its name.
    ///
    /// # Errors
    /// `Invalid` for a policy that makes no sense, with a rule on a metric that the backend
    /// [is not configured for](nprt_compare::Policy::check_metrics), or by which no canary could pass before its time is over, and
    /// for an entry of [`allow_kinds`](Service::allow_kinds) that names no kind.
    pub fn with_service(mut self, mut service: Service, ports: Ports) -> Result<Self> {
        service.check_kinds()?;
        service.policy.validate().map_err(|error| error.with("service", &service.name))?;
        if let Some(configured) = ports.metrics.capabilities().metrics {
            let checked = service.policy.check_metrics(&configured);
            checked.map_err(|error| error.with("service", &service.name))?;
        }
        let (soak, lifetime) = (u64::from(service.policy.soak_minutes) * 60, self.settings.canary_seconds);
        if soak >= lifetime {
            let message = "a canary's time would be over before it could pass";
            return Err(Error::invalid("pipeline.service", message)
                .with("service", &service.name)
                .with("soak_minutes", service.policy.soak_minutes)
                .with("canary_seconds", lifetime));
        }
        service.transform.images.extend(service.images.iter().cloned());
        self.services.insert(service, ports);
        Ok(self)
    }

    /// The same, whose operations go back when `stop` says so.
    #[must_use]
    pub fn with_stop(self, stop: Stop) -> Self {
        Self { stop, ..self }
    }

    /// The time by which the service's canaries begin and end: the cluster's own, where this process's is another.
    ///
    /// # Errors
    /// `NotFound` for a service.
    pub fn now(&self, service: &ServiceName) -> Result<Timestamp> {
        let (_, ports) = self.services.get(service)?;
        Ok(ports.cluster.now().unwrap_or_else(|| self.clock.now()))
    }

    /// The services, by name.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.services.iter()
    }
}

/// The README's snippet compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
