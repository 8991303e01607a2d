use git2::{ErrorClass, ErrorCode};
use nprt_core::{Error, ErrorKind, Retry};

/// The error of libgit2, by its code and class. No URL that we use holds a secret.
///
/// It does not tell HTTP's 403 and 404 from a server out of order, but in words: these are `Unavailable`.
pub(super) fn from_git(operation: &'static str, error: git2::Error) -> Error {
    let (kind, message) = match (error.code(), error.class()) {
        (ErrorCode::Auth, _) => (ErrorKind::Unauthenticated, "the server wants (other) credentials"),
        (ErrorCode::Certificate, _) => (ErrorKind::Unavailable, "the server's certificate is not trusted"),
        (ErrorCode::Timeout, _) => (ErrorKind::Timeout, "no answer in the time allowed"),
        (ErrorCode::User, _) | (_, ErrorClass::Callback) => {
            (ErrorKind::Cancelled, "the transfer was stopped")
        }
        (ErrorCode::Owner, _) => (ErrorKind::Forbidden, "the directory belongs to another user"),
        (ErrorCode::NotFound, ErrorClass::Repository | ErrorClass::Os) => {
            (ErrorKind::NotFound, "no git repository there")
        }
        (_, ErrorClass::Net | ErrorClass::Http | ErrorClass::Ssl | ErrorClass::Ssh | ErrorClass::Os) => {
            (ErrorKind::Unavailable, "the server cannot be reached, or refuses")
        }
        _ => (ErrorKind::Unexpected, "git failed"),
    };
    let retry = error.code() == ErrorCode::Certificate;
    let error = Error::new(kind, operation, message).with_source(error);
    if retry { error.with_retry(Retry::Permanent) } else { error }
}

/// The error of the cache's directory.
pub(super) fn from_io(operation: &'static str, path: &std::path::Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unexpected, operation, "the cache cannot be used")
        .with("path", path.display())
        .with_source(error)
}
