//! Counts that add up, and what is no count.

use std::collections::BTreeSet;

use nprt_core::ports::{LeftOutReason, Measured};

use crate::assemble::{Cells, Place};

/// Cells that are made of several counts. One that is no count spoils its cell: the rest of it would pass for the
/// whole.
#[derive(Debug)]
pub(crate) struct Sums<'a, T> {
    pub(crate) good: Cells<'a, T>,
    spoilt: BTreeSet<(i64, &'a Place)>,
}

impl<T> Default for Sums<'_, T> {
    fn default() -> Self {
        Self { good: Cells::new(), spoilt: BTreeSet::new() }
    }
}

impl<'a, T: Default> Sums<'a, T> {
    /// The cell that the count `value` belongs to, unless something spoils it.
    pub(crate) fn cell(&mut self, at: (i64, &'a Place), value: f64, left: &mut Measured) -> Option<&mut T> {
        if let Err(reason) = count(value) {
            self.spoil(at, reason, left);
        }
        if self.spoilt.contains(&at) {
            return None;
        }
        Some(self.good.entry(at).or_default())
    }

    /// Leaves a cell out, once.
    pub(crate) fn spoil(&mut self, at: (i64, &'a Place), reason: LeftOutReason, left: &mut Measured) {
        self.good.remove(&at);
        if self.spoilt.insert(at) {
            left.leave_out(reason, at.0, at.1.track, 1);
        }
    }
}

/// A fraction of one event below this is an error of rounding.
const NOISE: f64 = 1e-6;
/// From here on not every whole number is a float.
const LARGEST: f64 = 9_007_199_254_740_992.0;

pub(crate) fn finite(value: f64) -> Result<(), LeftOutReason> {
    LeftOutReason::of_number(value).map_or(Ok(()), Err)
}

/// Whether something can have happened so often.
pub(crate) fn count(value: f64) -> Result<(), LeftOutReason> {
    finite(value)?;
    match value {
        _ if value < -NOISE => Err(LeftOutReason::Negative),
        _ if value > LARGEST => Err(LeftOutReason::TooGreat),
        _ => Ok(()),
    }
}

/// A count, rounded: an extrapolated increase need not be whole. What happened never rounds to none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
pub(crate) fn rounded(value: f64) -> u64 {
    if value > NOISE { value.round().max(1.0) as u64 } else { 0 }
}
