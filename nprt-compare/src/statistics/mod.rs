//! Statistical tests, one a file: pure functions that say what two tracks' figures mean.
//!
//! Those that may be looked at every minute are *e-processes*: evidence that, while the canary is no worse
//! than stable, is 1 on average at any time and reaches 1/α in at most a share α of all comparisons, however
//! often and for however long one looks (Ville, 1939). They begin at 1, multiply by each block's factor and
//! are kept as logarithms.
//!
//! - [`quantile`]: is a quantile higher, from counts above a threshold in each block?
//! - [`rank`]: is the whole distribution higher, from mid-ranks in each block?
//! - [`band`]: between which values a quantile lies, at all times at once, for the report.
//! - [`counts`]: are there more errors per request?
//! - [`paired_t`]: are aggregates higher, minute by minute?
//! - [`tolerance`]: are there fewer errors than a fixed rate?
//! - [`new_classes`]: are there classes of errors that stable never had?
//! - [`combine`]: the evidence of many tests together.
//!
//! For one look at finished series, no e-process:
//! - [`mann_whitney`]: are the measurements shifted, and by how much?

pub mod band;
pub mod combine;
pub mod counts;
pub(super) mod e_process;
pub mod mann_whitney;
pub mod new_classes;
pub mod paired_t;
mod percentile_margin;
pub mod quantile;
pub mod rank;
pub mod tolerance;

pub use e_process::Overdispersion;
pub(super) use percentile_margin::{Outcome, percentile_margin};
