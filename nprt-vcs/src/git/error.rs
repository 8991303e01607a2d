use std::io;
use std::path::Path;

use gix::protocol::transport::client::AuthenticationRequired;
use gix::protocol::transport::packetline::read::Error as Refusal;
use nprt_core::{Error, ErrorKind, Retry};

/// The error of a conversation with a server. No URL that we use holds a secret.
pub(super) fn from_gix(operation: &'static str, error: gix::Error) -> Error {
    let untrusted = error.downcast_any_ref::<rustls::Error>();
    if let Some(rustls::Error::InvalidCertificate(_)) = untrusted {
        let message = "the server's certificate is not trusted";
        return Error::new(ErrorKind::Unavailable, operation, message)
            .with_source(error)
            .with_retry(Retry::Permanent);
    }
    if error.is_resource_exhausted() {
        return too_large(operation, super::pack::LARGEST).with_source(error);
    }
    let asks = error.is_unauthenticated() || error.downcast_any_ref::<AuthenticationRequired>().is_some();
    let (kind, message) = if asks {
        (ErrorKind::Unauthenticated, "the server wants (other) credentials")
    } else if let Some(http) = error.downcast_any_ref::<reqwest::Error>() {
        of_http(http)
    } else if error.is_cancelled() {
        (ErrorKind::Cancelled, "the transfer was stopped")
    } else if error.downcast_any_ref::<io::Error>().is_some() || error.downcast_any_ref::<Refusal>().is_some()
    {
        (ErrorKind::Unavailable, "the server cannot be reached, or refuses")
    } else {
        (ErrorKind::Unexpected, "git failed")
    };
    Error::new(kind, operation, message).with_source(error)
}

/// A repository holds what is refused. It stays refused until that is gone from its history.
pub(super) fn too_large(operation: &'static str, limit: usize) -> Error {
    Error::invalid(operation, "the repository holds an object that is too large, or has too many objects")
        .with("limit", format_args!("{} MiB an object", limit >> 20))
}

fn of_http(error: &reqwest::Error) -> (ErrorKind, &'static str) {
    match error.status().map(|status| status.as_u16()) {
        Some(403) => (ErrorKind::Forbidden, "the server refuses"),
        Some(404 | 410) => (ErrorKind::NotFound, "the server has no such repository"),
        Some(429) => (ErrorKind::RateLimited, "the server asks to wait"),
        _ if error.is_timeout() => (ErrorKind::Timeout, "no answer in the time allowed"),
        _ => (ErrorKind::Unavailable, "the server cannot be reached, or refuses"),
    }
}

/// The error of the cache's directory.
pub(super) fn from_io(operation: &'static str, path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Unexpected, operation, "the cache cannot be used")
        .with("path", path.display())
        .with_source(error)
}
