use std::sync::Arc;
use std::time::Duration;

use nprt_core::clock::SystemClock;
use nprt_core::ports::Clock;
use nprt_core::{Error, Result};

use crate::backend::KubernetesCluster;
use crate::client::Client;
use crate::config::KubernetesConfig;
use crate::identity;
use crate::operation::{during, operation};
use crate::server_time::ServerTime;

/// Makes a [`KubernetesCluster`].
#[derive(Debug)]
pub struct KubernetesBuilder {
    config: KubernetesConfig,
    clock: Arc<dyn Clock>,
}

impl KubernetesBuilder {
    /// By `config`, on the system's clock.
    #[must_use]
    pub fn new(config: KubernetesConfig) -> Self {
        Self { config, clock: Arc::new(SystemClock) }
    }

    /// The clock by whose elapsed time leases run out. Its time of day may be wrong: then the API server's counts.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Validates the configuration and reads the credentials. It asks the server nothing.
    ///
    /// Where the application has chosen no TLS provider for its process, this chooses ring: rustls would
    /// otherwise panic in a binary that holds two.
    ///
    /// # Errors
    /// `Invalid` for options that exclude each other or a malformed kubeconfig, `NotFound` for one that is
    /// not there or a context that is not in it (with those that are), `Unauthenticated` when its credentials
    /// cannot be had.
    pub async fn build(self) -> Result<KubernetesCluster> {
        during("cluster.connect", self.connect()).await
    }

    async fn connect(self) -> Result<KubernetesCluster> {
        let config = &self.config;
        if config.timeout_seconds == 0 {
            return Err(
                Error::invalid(operation(), "expected at least one second").with("option", "timeout_seconds")
            );
        }
        if config.force_conflicts.iter().any(String::is_empty) {
            return Err(Error::invalid(operation(), "expected names of field managers")
                .with("option", "force_conflicts"));
        }
        let identity = identity::read(config).await?;
        let namespace = valid_namespace(config.namespace.as_ref().unwrap_or(&identity.default_namespace))?;
        let server = ServerTime::default();
        let kube = identity::client(identity, server.clone()).await?;
        let timeout = Duration::from_secs(config.timeout_seconds);
        let client = Client::new(kube, namespace, self.config.force_conflicts, timeout);
        Ok(KubernetesCluster::new(client, self.clock, server))
    }
}

fn valid_namespace(namespace: &str) -> Result<String> {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let (first, last) = (namespace.bytes().next(), namespace.bytes().last());
    let ends = |b: Option<u8>| b.is_some_and(|b| b != b'-');
    if namespace.len() > 63 || !namespace.bytes().all(inner) || !ends(first) || !ends(last) {
        let expected = "expected 1 to 63 of a-z, 0-9 and -, with a letter or digit at both ends";
        return Err(Error::invalid(operation(), expected).with("namespace", format_args!("{namespace:?}")));
    }
    Ok(namespace.to_owned())
}
