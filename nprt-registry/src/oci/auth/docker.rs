use std::io::ErrorKind as IoErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use docker_credential::{CredentialRetrievalError, DockerCredential};
use nprt_core::model::Secret;
use nprt_core::{Error, ErrorKind, Result};

use crate::oci::config::{Credentials, DockerConfig};

/// What docker's configuration has for the registry that it knows as `server`. A helper that is out of
/// time is left to end by itself: its crate gives no handle to stop it.
pub(super) async fn credentials(
    operation: &'static str,
    config: &DockerConfig,
    server: &str,
) -> Result<Credentials> {
    let Some(file) = config.enabled.then(|| config.file.clone().or_else(default_file)).flatten() else {
        return Ok(Credentials::Anonymous);
    };
    let about = |error: Error| error.with("file", file.display()).with("registry", server);
    let reading = tokio::task::spawn_blocking({
        let (file, server) = (file.clone(), server.to_owned());
        move || read(operation, &file, &server)
    });
    // Real time, not the injected clock's: another program is waited for.
    match tokio::time::timeout(Duration::from_secs(config.timeout_seconds), reading).await {
        Ok(Ok(credentials)) => credentials.map_err(about),
        Ok(Err(_)) => Err(about(Error::new(
            ErrorKind::Unexpected,
            operation,
            "docker's configuration broke the reader",
        ))),
        Err(_) => {
            Err(about(Error::new(ErrorKind::Timeout, operation, "the credential helper did not answer")))
        }
    }
}

fn default_file() -> Option<PathBuf> {
    let folder = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".docker"));
    Some(folder.or_else(home)?.join("config.json"))
}

fn read(operation: &'static str, file: &Path, server: &str) -> Result<Credentials> {
    let content = match std::fs::read(file) {
        Ok(content) => content,
        Err(error) if error.kind() == IoErrorKind::NotFound => return Ok(Credentials::Anonymous),
        Err(error) => {
            return Err(Error::invalid(operation, "docker's configuration cannot be read").with_source(error));
        }
    };
    match docker_credential::get_credential_from_reader(content.as_slice(), server) {
        Ok(DockerCredential::UsernamePassword(username, password)) => {
            Ok(Credentials::Basic { username, password: Secret::new(password) })
        }
        Ok(DockerCredential::IdentityToken(token)) => {
            Ok(Credentials::IdentityToken { token: Secret::new(token) })
        }
        Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(Credentials::Anonymous),
        // The protocol of the helpers: this very text on stdout is how they say that they have none.
        Err(CredentialRetrievalError::HelperFailure { stdout, .. })
            if stdout.trim() == "credentials not found in native keychain" =>
        {
            Ok(Credentials::Anonymous)
        }
        // What a helper printed may hold a secret: it is not passed on.
        Err(error) => Err(Error::new(ErrorKind::Unauthenticated, operation, what(&error))),
    }
}

fn what(error: &CredentialRetrievalError) -> String {
    match error {
        CredentialRetrievalError::HelperFailure { helper, .. } => format!("{helper} failed"),
        CredentialRetrievalError::HelperCommunicationError => {
            "the credential helper cannot be run".to_owned()
        }
        CredentialRetrievalError::MalformedHelperResponse => {
            "the credential helper's answer cannot be read".to_owned()
        }
        CredentialRetrievalError::CredentialMismatchError => {
            "`auth` differs from `username` and `password`".to_owned()
        }
        CredentialRetrievalError::CredentialDecodingError => {
            "`auth` is not base64 of `user:password`".to_owned()
        }
        _ => "docker's configuration is not the JSON that docker writes".to_owned(),
    }
}
