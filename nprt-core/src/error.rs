//! The one public error type of every port, backend and pipeline step.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What went wrong, for programs to decide on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is malformed: a tag outside the grammar, a manifest that does not parse.
    Invalid,
    /// A name that does not exist; [`Error::available`] lists those that do.
    NotFound,
    /// A metric that a backend's configuration does not have; [`Error::available`] lists those that it has. A server's
    /// answer never becomes this: a status of HTTP says nothing about the configuration.
    NotConfigured,
    /// A name that means several things; [`Error::available`] lists the candidates.
    Ambiguous,
    /// Two inputs that must agree do not, such as a commit and a tag.
    Mismatch,
    /// Somebody else holds the lease, owns the field, or changed the object first.
    Conflict,
    /// No credentials, or wrong ones.
    Unauthenticated,
    /// Credentials, or the settings of a service, that do not allow this.
    Forbidden,
    /// The backend cannot do this; its `Capabilities` say so.
    Unsupported,
    /// The server asks to slow down.
    RateLimited,
    /// The server cannot be reached, or answers that it is out of order.
    Unavailable,
    /// No answer in the time allowed.
    Timeout,
    /// The caller, or a rollback, stopped the operation.
    Cancelled,
    /// The server refused a change on its content: schema, admission, quota.
    Rejected,
    /// A workload did not become ready.
    RolloutFailed,
    /// An answer that the protocol does not allow, or a fault of our own.
    Unexpected,
}

impl ErrorKind {
    /// The kind in words, as it begins an error message.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotFound => "not found",
            Self::NotConfigured => "not configured",
            Self::Ambiguous => "ambiguous",
            Self::Mismatch => "mismatch",
            Self::Conflict => "conflict",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Unsupported => "unsupported",
            Self::RateLimited => "rate limited",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timed out",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
            Self::RolloutFailed => "rollout failed",
            Self::Unexpected => "unexpected",
        }
    }
}

/// Whether the same call may succeed later. Decided where the error is made, from data
/// (a status code, an `errno`), never by reading its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// The same call fails again.
    Permanent,
    /// The same call may succeed later.
    Temporary,
    /// It was tried again, as often as was allowed, and still fails.
    Exhausted,
}

/// `Result` with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error with all that a person needs: what failed, on which object, and what is there instead.
///
/// `Display` prints one line, `operation: kind: message (key: value, …); available: a, b; retry after: 7s`,
/// without the source; [`StdError::source`] has the cause. Neither ever holds a secret.
///
/// ```
/// use nprt_core::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::NotFound, "registry.tags", "no such repository")
///     .with("image", "shop/cart")
///     .with_available(["shop/frontend"]);
/// assert_eq!(
///     error.to_string(),
///     "registry.tags: not found: no such repository (image: shop/cart); available: shop/frontend"
/// );
/// assert!(error.is_not_found() && !error.is_temporary());
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    retry: Retry,
    retry_after: Option<Duration>,
    operation: &'static str,
    message: String,
    context: Vec<(&'static str, String)>,
    available: Vec<String>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `operation` (`port.method`, such as `vcs.resolve`). It is [`Retry::Temporary`] for
    /// `RateLimited`, `Unavailable` and `Timeout`, else [`Retry::Permanent`]; see [`Error::with_retry`].
    #[must_use]
    pub fn new(kind: ErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        let retry = match kind {
            ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::Timeout => Retry::Temporary,
            _ => Retry::Permanent,
        };
        Self(Box::new(Inner {
            kind,
            retry,
            retry_after: None,
            operation,
            message: message.into(),
            context: Vec::new(),
            available: Vec::new(),
            source: None,
        }))
    }

    /// A value that does not follow its grammar.
    #[must_use]
    pub fn invalid(operation: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, operation, message)
    }

    /// Adds what the error is about: `("image", "shop/cart")`. Never a secret.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.0.context.push((key, value.to_string()));
        self
    }

    /// Adds the names that exist, or the candidates of an ambiguous one.
    #[must_use]
    pub fn with_available<I: IntoIterator<Item: fmt::Display>>(mut self, names: I) -> Self {
        self.0.available.extend(names.into_iter().map(|name| name.to_string()));
        self
    }

    /// Adds the cause. Its own `Display` must hold no secret.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Overrides whether a retry may help.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Adds how long the server asks to wait before the next try, where it says so.
    #[must_use]
    pub fn with_retry_after(mut self, wait: impl Into<Option<Duration>>) -> Self {
        self.0.retry_after = wait.into();
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether a retry may help.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// How long the server asks to wait before the next try, if it said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Which operation failed, `port.method`.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// The message alone.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the error is about, as `(key, value)` pairs.
    #[must_use]
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.0.context
    }

    /// The names that exist, or the candidates of an ambiguous one.
    #[must_use]
    pub fn available(&self) -> &[String] {
        &self.0.available
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.0.retry == Retry::Temporary
    }

    /// Whether the input is malformed.
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        self.0.kind == ErrorKind::Invalid
    }

    /// Whether a name does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.0.kind == ErrorKind::NotFound
    }

    /// Whether a backend's configuration does not have this metric.
    #[must_use]
    pub fn is_not_configured(&self) -> bool {
        self.0.kind == ErrorKind::NotConfigured
    }

    /// Whether a name means several things.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        self.0.kind == ErrorKind::Ambiguous
    }

    /// Whether somebody else holds or changed it.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.0.kind == ErrorKind::Conflict
    }

    /// Whether the backend cannot do this.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        self.0.kind == ErrorKind::Unsupported
    }

    /// Whether the operation was stopped.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.kind == ErrorKind::Cancelled
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, retry_after, operation, message, context, available, .. } = &*self.0;
        write!(f, "{operation}: {}: {message}", kind.as_str())?;
        for (i, (key, value)) in context.iter().enumerate() {
            write!(f, "{}{key}: {value}", if i == 0 { " (" } else { ", " })?;
        }
        if !context.is_empty() {
            f.write_str(")")?;
        }
        if !available.is_empty() {
            write!(f, "; available: {}", available.join(", "))?;
        }
        if let Some(wait) = retry_after {
            write!(f, "; retry after: {wait:?}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} [{:?}]", self.0.retry)?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(f, "\n  caused by: {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
