use std::sync::{Mutex, PoisonError};

use super::registry::RuleRun;
use super::state::MinuteEvidence;

/// What the last look found, so that the minute it folded need not be folded again. It holds nothing that could not be
/// computed anew: a copy begins empty.
#[derive(Debug, Default)]
pub(super) struct LookCache(Mutex<Option<MinuteEvidence<RuleRun>>>);

impl LookCache {
    pub(super) fn keep(&self, found: MinuteEvidence<RuleRun>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
    }

    /// What was found of that minute.
    pub(super) fn take(&mut self, minute: i64) -> Option<MinuteEvidence<RuleRun>> {
        let found = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        found.take_if(|found| found.minute == minute)
    }

    /// Forgets what a change of that minute makes untrue.
    pub(super) fn forget(&mut self, minute: i64) {
        let found = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        found.take_if(|found| found.minute >= minute);
    }
}

impl Clone for LookCache {
    fn clone(&self) -> Self {
        Self::default()
    }
}
