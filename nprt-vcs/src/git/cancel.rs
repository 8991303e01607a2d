use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use nprt_core::{Error, ErrorKind, Result};

/// Tells a blocking call that nobody waits for it any longer.
#[derive(Debug, Clone, Default)]
pub(super) struct Cancel(Arc<State>);

#[derive(Debug, Default)]
struct State {
    cancelled: AtomicBool,
    child: Mutex<Option<Child>>,
}

impl Cancel {
    pub(super) fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Relaxed);
        self.end_child();
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.0.cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Cancelled, "git.fetch", "the call was dropped"));
        }
        Ok(())
    }

    /// For those who look at it while they work.
    pub(super) fn flag(&self) -> &AtomicBool {
        &self.0.cancelled
    }

    /// Ends `child` as well: who waits for what it writes goes on then. There is one at a time.
    pub(super) fn keep_child(&self, child: Child) {
        self.end_child();
        *self.0.child.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        if self.check().is_err() {
            self.end_child();
        }
    }

    /// Ends the child, if there is one.
    pub(super) fn end_child(&self) {
        let child = self.0.child.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut child) = child {
            // Both fail for one that has ended.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
