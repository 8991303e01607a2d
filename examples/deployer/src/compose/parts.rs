use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use nprt::Result;
use nprt::clock::SystemClock;
use nprt::memory::MemoryCluster;
use nprt::ports::{Clock, MetricsBackend};
use nprt::statsd::{Aggregator, StatsdConfig, StatsdServer};

/// What lives longer than a configuration: what statsd heard and what runs in memory must not be lost when the
/// file changes.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    clock: Arc<dyn Clock>,
    kept: Arc<Mutex<Kept>>,
    /// Nothing is opened: a file is only checked.
    is_trial: bool,
}

#[derive(Debug, Default)]
struct Kept {
    memory: Option<MemoryCluster>,
    statsd: Vec<(StatsdConfig, StatsdServer)>,
}

impl Parts {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, kept: Arc::default(), is_trial: false }
    }

    /// Parts that open no port, to see whether a configuration can be composed.
    pub(crate) fn on_trial() -> Self {
        Self { is_trial: true, ..Self::new(Arc::new(SystemClock)) }
    }

    pub(crate) fn is_trial(&self) -> bool {
        self.is_trial
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// The cluster in memory, seen from `namespace`.
    pub(crate) fn memory(&self, namespace: &str) -> MemoryCluster {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let cluster = kept.memory.get_or_insert_with(|| MemoryCluster::new(self.clock()));
        cluster.clone().with_namespace(namespace)
    }

    /// The statsd server with this configuration, which is started where there is none.
    pub(crate) fn statsd(&self, config: &StatsdConfig) -> Result<Arc<dyn MetricsBackend>> {
        if self.is_trial {
            return Ok(Arc::new(Aggregator::new(config, self.clock())?));
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, server)) = kept.statsd.iter().find(|(known, _)| known == config) {
            return Ok(server.backend());
        }
        // Another one on the same address gives way, once this configuration is known to be good.
        Aggregator::new(config, self.clock())?;
        kept.statsd.retain(|(known, _)| known.listen != config.listen || config.listen.port() == 0);
        let server = StatsdServer::start(config, self.clock())?;
        tracing::info!(listen = %server.local_addr(), "statsd listens");
        let backend = server.backend();
        kept.statsd.push((config.clone(), server));
        Ok(backend)
    }

    /// Where statsd servers listen, by what they were told.
    pub(crate) fn statsd_addresses(&self) -> BTreeMap<SocketAddr, SocketAddr> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.statsd.iter().map(|(config, server)| (config.listen, server.local_addr())).collect()
    }
}
