//! What is under way goes back when its process is about to end, rather than being left to the next one.

use tokio::sync::watch::Sender;

/// Tells the pipelines that have it that their process ends: operations under way fail with `Cancelled`. A deploy or
/// a promotion puts back what it changed, a canary that is being started is removed, and who waits, for a lease or for
/// images, waits no more. What ends things anyway, such as a rollback, goes on.
#[derive(Debug, Clone)]
pub struct Stop(Sender<bool>);

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl Stop {
    /// One that says nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Sender::new(false))
    }

    /// From now on nothing goes on.
    pub fn now(&self) {
        self.0.send_replace(true);
    }

    pub(crate) async fn is_said(&self) {
        // The sender lives as long as we do.
        let _ = self.0.subscribe().wait_for(|is_said| *is_said).await;
    }
}
