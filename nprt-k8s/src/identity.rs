//! Whose credentials are used, and as whom.

use std::iter;

use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig, KubeconfigError};
use nprt_core::{Error, ErrorKind, Result};
use secrecy::ExposeSecret;

use crate::config::{Impersonate, KubernetesConfig};
use crate::connect;
use crate::error::no_credentials;
use crate::operation::operation;
use crate::server_time::ServerTime;

/// What the kubeconfig, or the pod, says of the server and of us.
pub(crate) async fn read(config: &KubernetesConfig) -> Result<kube::Config> {
    let KubernetesConfig { kubeconfig, context, in_cluster, impersonate, .. } = config.clone();
    let mut identity = if in_cluster {
        if kubeconfig.is_some() || context.is_some() {
            let message = "`in_cluster` excludes `kubeconfig` and `context`";
            return Err(Error::invalid(operation(), message).with("option", "in_cluster"));
        }
        kube::Config::incluster().map_err(|error| {
            Error::new(ErrorKind::NotFound, operation(), "no service account of a pod here")
                .with_source(error)
        })?
    } else {
        let file = blocking(move || match kubeconfig {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        });
        of_context(file.await?.map_err(unreadable)?, context).await?
    };
    if let Some(other) = impersonate {
        act_as(&mut identity.auth_info, other)?;
    }
    Ok(identity)
}

/// A client that is `identity`.
pub(crate) async fn client(identity: kube::Config, server: ServerTime) -> Result<kube::Client> {
    usable(&identity.auth_info)?;
    // Only fails where somebody else was quicker, which serves as well.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    // A credential plugin is a program that this waits for. kube panics where it prints a token that is none.
    let client = tokio::task::spawn_blocking(move || connect::client(identity, &server)).await;
    let client = client.map_err(|lost| {
        Error::new(ErrorKind::Unauthenticated, operation(), "the credentials cannot be used")
            .with_source(lost)
    })?;
    client.map_err(|error| {
        no_credentials(&error).unwrap_or_else(|| {
            Error::invalid(operation(), "the cluster's client cannot be made").with_source(error)
        })
    })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        Error::new(ErrorKind::Unexpected, operation(), "the work was lost").with_source(error)
    })
}

async fn of_context(file: Kubeconfig, context: Option<String>) -> Result<kube::Config> {
    let chosen = context.as_ref().or(file.current_context.as_ref()).filter(|name| !name.is_empty());
    if !file.contexts.iter().any(|known| Some(&known.name) == chosen) {
        let error = match chosen {
            Some(name) => Error::new(ErrorKind::NotFound, operation(), "no such context in the kubeconfig")
                .with("context", name),
            None => Error::invalid(operation(), "the kubeconfig has no current context: name one")
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
        return Err(Error::new(ErrorKind::Unauthenticated, operation(), message));
    }
    Ok(())
}

/// Everything that the kubeconfig says of impersonation makes way: half of one identity and half of another
/// would be a third.
fn act_as(auth: &mut AuthInfo, other: Impersonate) -> Result<()> {
    for (field, name) in iter::once(("user", &other.user)).chain(other.groups.iter().map(|g| ("groups", g))) {
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            return Err(Error::invalid(operation(), "expected a name of visible ASCII characters")
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
            return Error::invalid(operation(), "the kubeconfig is no valid YAML of its kind");
        }
        _ => (ErrorKind::Invalid, "the kubeconfig cannot be used"),
    };
    Error::new(kind, operation(), message).with_source(error)
}
