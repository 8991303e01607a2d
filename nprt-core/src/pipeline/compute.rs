//! Work that takes the processor's time, kept away from the threads that answer requests.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::job::Job;
use crate::model::Budget;
use crate::{Error, ErrorKind, Result};

/// How many operations of a pipeline compute at once: as many as the machine has processors.
pub(super) fn room() -> Arc<Semaphore> {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Arc::new(Semaphore::new(processors))
}

impl Job<'_> {
    /// Does `work` on a thread for blocking work. If this future is dropped, `budget` is cancelled, and the work ends
    /// as soon as it next draws on it. Outside of tokio, the work is done at once.
    pub(super) async fn compute<T: Send + 'static>(
        &self,
        budget: &Budget,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if Handle::try_current().is_err() {
            return work();
        }
        let failed = || Error::new(ErrorKind::Unexpected, "pipeline.compute", "the computation failed");
        let room = Arc::clone(self.computing).acquire_owned().await;
        let room = room.map_err(|closed| failed().with_source(closed))?;
        let mut dropped = CancelOnDrop(Some(budget));
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            // Also of work that nobody waits for any more.
            drop(room);
            done
        });
        let done = done.await;
        dropped.0 = None;
        done.map_err(|panic| failed().with_source(panic))?
    }
}

struct CancelOnDrop<'a>(Option<&'a Budget>);

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(budget) = self.0 {
            budget.cancel();
        }
    }
}
