//! Work that takes the processor's time, kept away from the threads that answer requests.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use nprt_core::model::{Budget, SourceFile};
use nprt_core::{Error, ErrorKind, Result};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::context::Context;

/// Up to so many bytes of manifests are small.
const SMALL: usize = 64 * 1024;

/// Unless they have more aliases, which may make them large. An asterisk may be anything else, too.
const FEW_ALIASES: usize = 4;

struct CancelOnDrop<'a>(Option<&'a Budget>);

/// How many operations of a pipeline compute at once: as many as the machine has processors.
pub(crate) fn room() -> Arc<Semaphore> {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Arc::new(Semaphore::new(processors))
}

/// Whether these manifests are read and rendered in about a millisecond.
pub(crate) fn is_small(files: &[SourceFile]) -> bool {
    let bytes = || files.iter().flat_map(|file| &file.content);
    let size: usize = files.iter().map(|file| file.content.len()).sum();
    size <= SMALL && bytes().filter(|&&byte| byte == b'*').count() <= FEW_ALIASES
}

/// Does `work` on a thread for blocking work. If this future is dropped, `budget` is cancelled, and the work ends
/// as soon as it next draws on it. What is `small`, and takes about a millisecond, is done at once; so is
/// everything outside of tokio.
pub(crate) fn compute<'f, T: Send + 'static>(
    cx: &'f Context<'_>,
    budget: &'f Budget,
    small: bool,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> BoxFuture<'f, Result<T>> {
    let work = async move {
        if small || Handle::try_current().is_err() {
            return work();
        }
        let failed = || Error::new(ErrorKind::Unexpected, "pipeline.compute", "the computation failed");
        let room = Arc::clone(cx.computing).acquire_owned().await;
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

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(budget) = self.0 {
            budget.cancel();
        }
    }
}
