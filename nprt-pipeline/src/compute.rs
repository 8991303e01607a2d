//! Work that takes the processor's time, kept away from the threads that answer requests.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use nprt_core::model::{Budget, SourceFile};
use nprt_core::{Error, ErrorKind, Result};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::job::Job;

/// How many operations of a pipeline compute at once: as many as the machine has processors.
pub(super) fn room() -> Arc<Semaphore> {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Arc::new(Semaphore::new(processors))
}

/// Up to so many bytes of manifests are small.
const SMALL: usize = 64 * 1024;
/// Unless they have more aliases, which may make them large. An asterisk may be anything else, too.
const FEW_ALIASES: usize = 4;

/// Whether these manifests are read and rendered in about a millisecond.
pub(super) fn is_small(files: &[SourceFile]) -> bool {
    let bytes = || files.iter().flat_map(|file| &file.content);
    let size: usize = files.iter().map(|file| file.content.len()).sum();
    size <= SMALL && bytes().filter(|&&byte| byte == b'*').count() <= FEW_ALIASES
}

impl Job<'_> {
    /// Does `work` on a thread for blocking work. If this future is dropped, `budget` is cancelled, and the work ends
    /// as soon as it next draws on it. What is `small`, and takes about a millisecond, is done at once; so is
    /// everything outside of tokio.
    pub(super) fn compute<'f, T: Send + 'static>(
        &'f self,
        budget: &'f Budget,
        small: bool,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> BoxFuture<'f, Result<T>> {
        let work = async move {
            if small || Handle::try_current().is_err() {
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
        };
        // It is called deep in other futures, which are large as it is.
        work.boxed()
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
