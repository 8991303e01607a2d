use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use nprt::clock::SystemClock;
use nprt::memory::MemoryCluster;
use nprt::model::ServiceName;
use nprt::pipeline::Stop;
use nprt::ports::{Clock, MetricsBackend};
use nprt::statsd::{Aggregator, StatsdConfig, StatsdServer};
use nprt::{Error, ErrorKind, Result};

use crate::config::Limits;
use crate::otlp::{Listening, Otlp};

/// What lives longer than a configuration: what statsd heard and what runs in memory must not be lost when the
/// file changes.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    clock: Arc<dyn Clock>,
    /// Those of listeners.
    limits: Limits,
    kept: Arc<Mutex<Kept>>,
    /// Makes operations under way go back, of whichever configuration.
    stop: Stop,
    /// Nothing is opened: a file is only checked.
    is_trial: bool,
}

#[derive(Debug, Default)]
struct Kept {
    memory: Option<MemoryCluster>,
    statsd: Vec<Heard>,
}

/// A statsd server and what it heard; none listens where a file is only checked.
#[derive(Debug)]
struct Heard {
    config: StatsdConfig,
    backend: Arc<Aggregator>,
    server: Option<StatsdServer>,
    /// Where OTLP is taken.
    _otlp: Option<(SocketAddr, Listening)>,
}

impl Parts {
    pub(crate) fn new(clock: Arc<dyn Clock>, limits: Limits) -> Self {
        Self { clock, limits, kept: Arc::default(), stop: Stop::new(), is_trial: false }
    }

    /// Parts that open no port, to see whether a configuration can be composed.
    pub(crate) fn on_trial() -> Self {
        Self { is_trial: true, ..Self::new(Arc::new(SystemClock), Limits::default()) }
    }

    pub(crate) fn is_trial(&self) -> bool {
        self.is_trial
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    pub(crate) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// The cluster in memory, seen from `namespace`.
    pub(crate) fn memory(&self, namespace: &str) -> MemoryCluster {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let cluster = kept.memory.get_or_insert_with(|| MemoryCluster::new(self.clock()));
        cluster.clone().with_namespace(namespace)
    }

    /// What the statsd server with this configuration hears; it is started where there is none.
    ///
    /// # Errors
    /// `Conflict` where one with other settings listens there: what it heard would be lost.
    pub(crate) fn statsd(&self, config: &StatsdConfig) -> Result<Arc<dyn MetricsBackend>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = kept.statsd.iter().find(|heard| heard.config == *config) {
            return Ok(same.backend.clone());
        }
        let is_there = |heard: &Heard| heard.config.listen == config.listen && config.listen.port() != 0;
        if kept.statsd.iter().any(is_there) {
            let message = "a statsd server with other settings listens there; they change with a restart";
            let error = Error::new(ErrorKind::Conflict, "deployer.statsd", message);
            return Err(error.with("listen", config.listen));
        }
        let (backend, server, otlp) = if self.is_trial {
            (Arc::new(Aggregator::new(config, self.clock())?), None, None)
        } else {
            // First, so that an address that is taken does not end a server that hears already.
            let own = Otlp::bind(config).map_err(cannot_listen)?;
            let server = StatsdServer::start(config, self.clock())?;
            let otlp = match (Otlp::new(config, server.backend())?, own) {
                (Some(otlp), Some(own)) => Some(otlp.listen(own, self.limits).map_err(cannot_listen)?),
                _ => None,
            };
            tracing::info!(listen = %server.local_addr(), "statsd listens");
            (server.backend(), Some(server), otlp)
        };
        let config = config.clone();
        kept.statsd.push(Heard { config, backend: backend.clone(), server, _otlp: otlp });
        Ok(backend)
    }

    /// From now on these services have room where they say that they are measured; all others have none.
    pub(crate) fn serve_statsd(&self, services: &[(&ServiceName, &StatsdConfig)]) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for Heard { config, backend, .. } in &kept.statsd {
            let here = services.iter().filter(|(_, of)| *of == config).map(|(name, _)| (*name).clone());
            let named: BTreeSet<ServiceName> = here.chain(config.services.iter().cloned()).collect();
            backend.serve(&named);
        }
    }

    /// Where statsd servers listen.
    pub(crate) fn statsd_addresses(&self) -> Vec<SocketAddr> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.statsd.iter().filter_map(|heard| heard.server.as_ref().map(StatsdServer::local_addr)).collect()
    }
}

fn cannot_listen(why: String) -> Error {
    Error::new(ErrorKind::Unavailable, "deployer.otlp", why)
}
