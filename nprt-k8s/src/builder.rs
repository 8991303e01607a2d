use std::iter;
use std::sync::Arc;
use std::time::Duration;

use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig, KubeconfigError};
use nprt_core::clock::SystemClock;
use nprt_core::ports::Clock;
use nprt_core::{Error, ErrorKind, Result};
use secrecy::ExposeSecret;

use crate::backend::KubernetesCluster;
use crate::client::Client;
use crate::config::{Impersonate, KubernetesConfig};
use crate::error::no_credentials;

const OPERATION: &str = "cluster.connect";

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

    /// The clock by which leases expire. All that share a cluster's leases must agree on the time.
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
        let KubernetesConfig {
            kubeconfig,
            context,
            in_cluster,
            impersonate,
            namespace,
            force_conflicts,
            timeout_seconds,
        } = self.config;
        if timeout_seconds == 0 {
            return Err(
                Error::invalid(OPERATION, "expected at least one second").with("option", "timeout_seconds")
            );
        }
        if force_conflicts.iter().any(String::is_empty) {
            return Err(Error::invalid(OPERATION, "expected names of field managers")
                .with("option", "force_conflicts"));
        }
        let mut config = if in_cluster {
            if kubeconfig.is_some() || context.is_some() {
                let message = "`in_cluster` excludes `kubeconfig` and `context`";
                return Err(Error::invalid(OPERATION, message).with("option", "in_cluster"));
            }
            kube::Config::incluster().map_err(|error| {
                Error::new(ErrorKind::NotFound, OPERATION, "no service account of a pod here")
                    .with_source(error)
            })?
        } else {
            let file = blocking(move || match kubeconfig {
                Some(path) => Kubeconfig::read_from(path),
                None => Kubeconfig::read(),
            })
            .await?
            .map_err(unreadable)?;
            of_context(file, context).await?
        };
        if let Some(other) = impersonate {
            act_as(&mut config.auth_info, other)?;
        }
        if let Some(namespace) = namespace {
            config.default_namespace = namespace;
        }
        let namespace = valid_namespace(&config.default_namespace)?;
        // Only fails where somebody else was quicker, which serves as well.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        usable(&config.auth_info)?;
        // A credential plugin is a program that this waits for.
        let kube = blocking(move || kube::Client::try_from(config)).await?.map_err(|error| {
            no_credentials(OPERATION, &error).unwrap_or_else(|| {
                Error::invalid(OPERATION, "the cluster's client cannot be made").with_source(error)
            })
        })?;
        let client = Client::new(kube, namespace, force_conflicts, Duration::from_secs(timeout_seconds));
        Ok(KubernetesCluster::new(client, self.clock))
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::new(ErrorKind::Unexpected, OPERATION, "the work was lost").with_source(error))
}

async fn of_context(file: Kubeconfig, context: Option<String>) -> Result<kube::Config> {
    let chosen = context.as_ref().or(file.current_context.as_ref()).filter(|name| !name.is_empty());
    if !file.contexts.iter().any(|known| Some(&known.name) == chosen) {
        let error = match chosen {
            Some(name) => Error::new(ErrorKind::NotFound, OPERATION, "no such context in the kubeconfig")
                .with("context", name),
            None => Error::invalid(OPERATION, "the kubeconfig has no current context: name one")
                .with("option", "context"),
        };
        return Err(error.with_available(file.contexts.iter().map(|known| &known.name)));
    }
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    kube::Config::from_custom_kubeconfig(file, &options).await.map_err(unreadable)
}

/// Refuses a token that kube would panic at, such as one that ends with a line break.
fn usable(auth: &AuthInfo) -> Result<()> {
    let visible = |token: &str| token.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if auth.token.as_ref().is_some_and(|token| !visible(token.expose_secret())) {
        let message = "the token in the kubeconfig has a line break, or another character that no token has";
        return Err(Error::new(ErrorKind::Unauthenticated, OPERATION, message));
    }
    Ok(())
}

/// Everything that the kubeconfig says of impersonation makes way: half of one identity and half of another
/// would be a third.
fn act_as(auth: &mut AuthInfo, other: Impersonate) -> Result<()> {
    for (field, name) in iter::once(("user", &other.user)).chain(other.groups.iter().map(|g| ("groups", g))) {
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            return Err(Error::invalid(OPERATION, "expected a name of visible ASCII characters")
                .with("option", format_args!("impersonate.{field}"))
                .with("value", format_args!("{name:?}")));
        }
    }
    auth.impersonate = Some(other.user);
    auth.impersonate_groups = (!other.groups.is_empty()).then_some(other.groups);
    auth.impersonate_uid = None;
    auth.impersonate_user_extra = None;
    Ok(())
}

fn unreadable(error: KubeconfigError) -> Error {
    let (kind, message) = match &error {
        KubeconfigError::ReadConfig(..) | KubeconfigError::FindPath => {
            (ErrorKind::NotFound, "the kubeconfig cannot be read")
        }
        // The parser's error may quote the file, which holds secrets.
        KubeconfigError::Parse(_) => {
            return Error::invalid(OPERATION, "the kubeconfig is no valid YAML of its kind");
        }
        _ => (ErrorKind::Invalid, "the kubeconfig cannot be used"),
    };
    Error::new(kind, OPERATION, message).with_source(error)
}

fn valid_namespace(namespace: &str) -> Result<String> {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let (first, last) = (namespace.bytes().next(), namespace.bytes().last());
    let ends = |b: Option<u8>| b.is_some_and(|b| b != b'-');
    if namespace.len() > 63 || !namespace.bytes().all(inner) || !ends(first) || !ends(last) {
        let expected = "expected 1 to 63 of a-z, 0-9 and -, with a letter or digit at both ends";
        return Err(Error::invalid(OPERATION, expected).with("namespace", format_args!("{namespace:?}")));
    }
    Ok(namespace.to_owned())
}
