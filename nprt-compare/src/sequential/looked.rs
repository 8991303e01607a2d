use std::sync::{Mutex, PoisonError};

use super::state::Settled;

/// What the last look found, so that the minute it folded need not be folded again. It holds nothing that could not be
/// computed anew: a copy begins empty.
#[derive(Debug, Default)]
pub(super) struct Looked(Mutex<Option<Settled>>);

impl Looked {
    pub(super) fn keep(&self, settled: Settled) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(settled);
    }

    /// What was found of that minute.
    pub(super) fn take(&mut self, minute: i64) -> Option<Settled> {
        let looked = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        looked.take_if(|looked| looked.minute == minute)
    }

    /// Forgets what a change of that minute makes untrue.
    pub(super) fn forget(&mut self, minute: i64) {
        let looked = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        looked.take_if(|looked| looked.minute >= minute);
    }
}

impl Clone for Looked {
    fn clone(&self) -> Self {
        Self::default()
    }
}
