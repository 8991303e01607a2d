use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;
use nprt_core::ports::{Notification, Notifier, NotifierCapabilities};
use nprt_core::{Error, Result, Retry};

/// Tells several notifiers at once. One that fails or is slow keeps no other from being told.
///
/// It claims what any of its members claims. Its error names each member that failed and is never
/// temporary, since the others were told already: put [`Retry`](nprt_core::wrap::Retry) and
/// [`Timeout`](nprt_core::wrap::Timeout) around each member, not around the whole. Without members it tells
/// nobody.
///
/// ```
/// use std::sync::Arc;
/// use nprt_memory::MemoryNotifier;
/// use nprt_notify::FanOut;
///
/// let all = FanOut::new()
///     .with("team chat", Arc::new(MemoryNotifier::new()))
///     .with("on call", Arc::new(MemoryNotifier::new()));
/// ```
#[derive(Debug, Default)]
pub struct FanOut {
    members: Vec<(String, Arc<dyn Notifier>)>,
}

impl FanOut {
    /// One without members.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `notifier`; errors call it `name`.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, notifier: Arc<dyn Notifier>) -> Self {
        self.members.push((name.into(), notifier));
        self
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Notifier for FanOut {
    fn capabilities(&self) -> NotifierCapabilities {
        self.members.iter().map(|(_, member)| member.capabilities()).fold(
            NotifierCapabilities::default(),
            |all, one| NotifierCapabilities {
                least_severity: all.least_severity.min(one.least_severity),
                details: all.details || one.details,
                verdict: all.verdict || one.verdict,
            },
        )
    }

    async fn notify(&self, notification: &Notification) -> Result<()> {
        let told = join_all(self.members.iter().map(|(_, member)| member.notify(notification))).await;
        let names = self.members.iter().map(|(name, _)| name);
        let failed: Vec<(&String, Error)> =
            names.zip(told).filter_map(|(name, told)| told.err().map(|error| (name, error))).collect();
        let Some((_, first)) = failed.first() else { return Ok(()) };
        let each: Vec<String> = failed.iter().map(|(name, error)| format!("{name}: {error}")).collect();
        let message = format!("{} of {} failed: {}", failed.len(), self.members.len(), each.join("; "));
        Err(Error::new(first.kind(), "fanout.notify", message).with_retry(Retry::Permanent))
    }
}
