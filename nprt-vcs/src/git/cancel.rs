use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nprt_core::{Error, ErrorKind, Result};

/// Tells a blocking call that nobody waits for it any longer.
#[derive(Debug, Clone, Default)]
pub(super) struct Cancel(Arc<AtomicBool>);

impl Cancel {
    pub(super) fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Cancelled, "git.fetch", "the call was dropped"));
        }
        Ok(())
    }

    /// For those who look at it while they work.
    pub(super) fn flag(&self) -> &AtomicBool {
        &self.0
    }
}
