//! Statistical tests, one a file: pure functions that say what two tracks' figures mean.

mod percentile_margin;

pub(super) use percentile_margin::{Outcome, percentile_margin};
