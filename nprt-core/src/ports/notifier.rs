use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::model::{Revision, ServiceName};
use crate::verdict::Verdict;

/// Where people are told what happened.
///
/// # Contract
/// - [`notify`](Notifier::notify) returns once the receiving server has accepted the notification.
/// - Text is data: what a service or a commit message holds is escaped, never taken for markup, mentions
///   or links. What is too long for the receiver is cut, and says so.
/// - A caller never fails for a notifier: the pipeline reports its error and goes on.
/// - Dropping the future may or may not have delivered it.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Notifier: Debug + Send + Sync {
    /// What this backend does with a notification.
    fn capabilities(&self) -> NotifierCapabilities;

    /// Tells `notification`.
    ///
    /// # Errors
    /// `Invalid`, `Unauthenticated`, `Forbidden`, `NotFound` (a channel or project that is gone),
    /// `RateLimited`, `Unavailable`, `Timeout`.
    async fn notify(&self, notification: &Notification) -> Result<()>;
}

/// What a [`Notifier`] does with a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NotifierCapabilities {
    /// The least severity that it delivers; what is below is answered with `Ok` and nothing sent (an error
    /// tracker that shall not have news).
    pub least_severity: Severity,
    /// Shows [`Notification::details`].
    pub details: bool,
    /// Shows the figures of each rule of [`Notification::verdict`].
    pub verdict: bool,
}

/// One piece of news about a service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Notification {
    /// When it happened.
    pub at: Timestamp,
    /// The service.
    pub service: ServiceName,
    /// What happened.
    pub occasion: Occasion,
    /// How bad it is.
    pub severity: Severity,
    /// The version that it is about.
    pub revision: Option<Revision>,
    /// One sentence.
    pub summary: String,
    /// Names and values, in the order to show: the caller, the reason.
    pub details: Vec<Detail>,
    /// The canary that it is about: what is told of one belongs together.
    pub canary: Option<CanaryId>,
    /// What the canary's metrics said when it was decided about, or left to a person.
    pub verdict: Option<Verdict>,
    /// Where there is more to read.
    pub link: Option<String>,
}

impl Notification {
    /// One with nothing but this.
    #[must_use]
    pub fn new(
        at: Timestamp,
        service: ServiceName,
        occasion: Occasion,
        severity: Severity,
        summary: impl Into<String>,
    ) -> Self {
        Self {
            at,
            service,
            occasion,
            severity,
            revision: None,
            summary: summary.into(),
            details: Vec::new(),
            canary: None,
            verdict: None,
            link: None,
        }
    }
}

/// Which canary of a service: the same revision may be tried again later.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct CanaryId {
    /// Its revision.
    pub revision: Revision,
    /// When it was started.
    pub started: Timestamp,
}

/// A row below a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Occasion {
    /// A version became stable by a deploy.
    Deployed,
    /// A canary runs.
    CanaryStarted,
    /// A canary became stable.
    Promoted,
    /// A canary was removed.
    RolledBack,
    /// A canary's time for a verdict is over, and it is left to a person.
    Undecided,
    /// An operation failed.
    Failed,
}

impl Occasion {
    /// In words, as a title says it: `rolled back`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployed => "deployed",
            Self::CanaryStarted => "canary started",
            Self::Promoted => "promoted",
            Self::RolledBack => "rolled back",
            Self::Undecided => "undecided",
            Self::Failed => "failed",
        }
    }
}

/// How bad a piece of news is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As intended.
    Info,
    /// Needs a look: a canary was rolled back.
    Warning,
    /// Needs a hand: an operation failed.
    #[default]
    Error,
}

impl Severity {
    /// `info`, `warning` or `error`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}
