use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::ports::{Notification, Notifier, NotifierCapabilities};
use crate::{Error, ErrorKind, Result};

/// A notifier that keeps what it was told, and fails when it was told to.
///
/// ```
/// use nprt_core::ErrorKind;
/// use nprt_core::memory::MemoryNotifier;
/// use nprt_core::model::ServiceName;
/// use nprt_core::ports::{Notification, Notifier, Occasion, Severity};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), nprt_core::Error> {
/// let news = Notification {
///     service: ServiceName::new("cart")?,
///     occasion: Occasion::Promoted,
///     severity: Severity::Info,
///     revision: None,
///     summary: "the canary is stable now".into(),
///     details: Vec::new(),
///     link: None,
/// };
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
        NotifierCapabilities { all_severities: true, details: true }
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
