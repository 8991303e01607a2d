use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use nprt_core::ports::{Notification, Notifier, NotifierCapabilities, Severity};
use nprt_core::{Error, ErrorKind, Result};

/// A notifier that keeps what it was told, and fails when it was told to.
///
/// ```
/// use nprt_core::ErrorKind;
/// use nprt_memory::MemoryNotifier;
/// use nprt_core::model::ServiceName;
/// use nprt_core::ports::{Notification, Notifier, Occasion, Severity};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), nprt_core::Error> {
/// let (at, cart) = ("2026-11-23T12:00:00Z".parse().unwrap(), ServiceName::new("cart")?);
/// let news = Notification::new(at, cart, Occasion::Promoted, Severity::Info, "the canary is stable now");
/// let notifier = MemoryNotifier::new();
/// notifier.fail_next(1, ErrorKind::Unavailable);
/// assert!(notifier.notify(&news).await.is_err());
/// notifier.notify(&news).await?;
/// assert_eq!(notifier.told(), [news]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct MemoryNotifier(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    told: Vec<Notification>,
    failures: Option<(usize, ErrorKind)>,
}

impl MemoryNotifier {
    /// One that was told nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that it accepted, oldest first.
    #[must_use]
    pub fn told(&self) -> Vec<Notification> {
        self.state().told.clone()
    }

    /// Lets the next `calls` calls fail with `kind` and be told nothing; 0 ends a failure.
    pub fn fail_next(&self, calls: usize, kind: ErrorKind) {
        self.state().failures = Some((calls, kind));
    }
}

#[async_trait]
impl Notifier for MemoryNotifier {
    fn capabilities(&self) -> NotifierCapabilities {
        NotifierCapabilities { least_severity: Severity::Info, details: true, verdict: true }
    }

    async fn notify(&self, notification: &Notification) -> Result<()> {
        let mut state = self.state();
        if let Some((calls @ 1.., kind)) = &mut state.failures {
            *calls -= 1;
            return Err(Error::new(*kind, "memory.notify", "told to fail"));
        }
        state.told.push(notification.clone());
        Ok(())
    }
}
