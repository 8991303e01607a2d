//! The pipeline: which services it knows, and what it gives each operation on one.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use nprt_core::model::ServiceName;
use nprt_core::ports::Clock;
use nprt_core::{Error, Result};
use tokio::sync::Semaphore;

use crate::compute::room;
use crate::context::Context;
use crate::news::witness::Witness;
use crate::operation::Operation;
use crate::operations::untold::Told;
use crate::progress::Progress;
use crate::service::{Ports, Service, Services};
use crate::settings::PipelineSettings;
use crate::stop::Stop;

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
    pub(crate) told: Told,
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
            told: Told::default(),
            stop,
            computing: room(),
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

    pub(crate) fn operation<'a>(
        &'a self,
        service: &ServiceName,
        progress: &'a Progress,
    ) -> Result<Operation<'a>> {
        let (service, ports) = self.services.get(service)?;
        let number = self.operations.fetch_add(1, Ordering::Relaxed);
        let cx = Context {
            service,
            ports,
            clock: &*self.clock,
            settings: self.settings,
            progress,
            stop: &self.stop,
            computing: &self.computing,
        };
        let (witness, holder) = (Witness::default(), format!("{}/{number}", self.holder));
        Ok(Operation { cx, witness, holder, process: &self.process })
    }
}
