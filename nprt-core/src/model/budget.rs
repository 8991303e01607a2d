use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::limits::{Limit, Limits};
use crate::{Error, ErrorKind, Result};

const OPERATION: &str = "budget";

/// What one operation has left of its [`Limits`]. Clones share it, so that all work that a request causes draws on
/// one budget, on whatever thread it runs. The default has the default limits.
///
/// ```
/// use nprt_core::model::{Budget, Limit, Limits};
/// let budget = Budget::new(Limits { objects: 2, ..Limits::default() });
/// budget.spend(Limit::Objects, 2)?;
/// let error = budget.clone().spend(Limit::Objects, 1).unwrap_err().to_string();
/// assert!(error.contains("limit: 2") && error.contains("option: limits.objects"), "{error}");
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Budget(Arc<State>);

#[derive(Debug, Default)]
struct State {
    limits: Limits,
    /// Where the limits are set, with the point after it.
    section: &'static str,
    spent: [AtomicU64; Limit::ALL.len()],
    cancelled: Arc<AtomicBool>,
}

impl Budget {
    /// A whole budget.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self::of_section(limits, "")
    }

    /// A whole budget, whose errors name options of this section of a configuration, such as `pipeline.`.
    #[must_use]
    pub fn of_section(limits: Limits, section: &'static str) -> Self {
        Self(Arc::new(State { limits, section, ..State::default() }))
    }

    /// A whole budget of the same limits, which is cancelled with this one: for work that may have to begin anew, and
    /// is drawn once it is done.
    #[must_use]
    pub fn attempt(&self) -> Self {
        let State { limits, section, ref cancelled, .. } = *self.0;
        Self(Arc::new(State { limits, section, spent: Default::default(), cancelled: Arc::clone(cancelled) }))
    }

    /// Draws `amount` of the budget.
    ///
    /// # Errors
    /// `Invalid` with the limit and its option where there is less left; `Cancelled` after [`cancel`](Self::cancel).
    pub fn spend(&self, limit: Limit, amount: u64) -> Result<()> {
        self.check()?;
        let spent = self.0.spent[limit as usize].fetch_add(amount, Ordering::Relaxed);
        self.within(limit, spent.saturating_add(amount))
    }

    /// Checks that `amount` is within the limit as such, and draws nothing.
    ///
    /// # Errors
    /// As [`spend`](Self::spend).
    pub fn allow(&self, limit: Limit, amount: u64) -> Result<()> {
        self.check()?;
        self.within(limit, amount)
    }

    fn within(&self, limit: Limit, amount: u64) -> Result<()> {
        let most = self.0.limits.of(limit);
        if amount <= most {
            return Ok(());
        }
        Err(Error::invalid(OPERATION, limit.excess())
            .with("limit", most)
            .with("option", format_args!("{}limits.{limit}", self.0.section)))
    }

    /// Tells all work on this budget that nobody waits for it any longer.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Relaxed);
    }

    /// Checks that somebody still waits for the work.
    ///
    /// # Errors
    /// `Cancelled` after [`cancel`](Self::cancel).
    pub fn check(&self) -> Result<()> {
        if self.0.cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Cancelled, OPERATION, "the request was dropped"));
        }
        Ok(())
    }
}
