//! The sketch: a histogram over fixed log-linear bins, one grid for every metric, pod, route and minute.
//!
//! # The grid
//! A bin is a float without its lower 45 bits: its sign (never set), its exponent and the upper seven bits
//! of its fraction, so that every octave has 128 bins of equal width. A bin `[lower, upper)` is at most
//! 1/128 (0.79 %) of its lower edge wide. A sample finds its bin by one shift: no logarithm, no rounding.
//! Multiplying every sample by a power of two moves every count by whole octaves and changes nothing else
//! (as long as nothing leaves the range of normal numbers).
//!
//! | value | what becomes of it |
//! |---|---|
//! | NaN, infinities, numbers below zero | rejected and counted by kind: [`Rejected`] |
//! | `0.0`, `-0.0`, subnormal numbers (below 2.2e-308) | the bin of zero, `[0, 2.2e-308)` |
//! | everything else, up to `f64::MAX` | its bin; the upper edge of the last one is infinite |
//!
//! # What is exact
//! **Counts at the edges**: how many samples lie at or above an [`Edge`] is the number that counting the
//! samples themselves gives. Put thresholds on edges ([`Edge::at_or_above`]) and a test of them carries no
//! error of the sketch at all. So with ranks, for samples that are taken as equal inside a bin:
//! [`Sketch::joint`]. **Merging**: parts that are merged, in any order, equal the whole, bit by bit; no bin
//! is ever collapsed into another. A count stops at `u64::MAX` and never wraps.
//!
//! What is not exact is the figure of a quantile: [`Sketch::quantile`] says the edges that it lies between.
//!
//! The unit is that of the samples, by convention seconds for latency.
//!
//! # Cost
//! Counts live in pages of 64 bins, half an octave, made when their first sample comes: 512 bytes a page,
//! and 8 bytes for every page in the range that the samples span, zero not included: at most 2.1 MB, 5 to
//! 10 KB for an ordinary latency. A sample allocates only when it opens a new page.
//!
//! ```
//! use nprt_core::verdict::Percentile;
//! use nprt_compare::sketch::{Edge, Sketch};
//!
//! let stable: Sketch = (1..=1000).map(|ms| f64::from(ms) / 1000.0).collect();
//! let canary: Sketch = (1..=1000).map(|ms| f64::from(ms) / 800.0).collect();
//!
//! // A threshold at stable's p95 and 2 % above it, on edges: both counts are exact.
//! let p95 = stable.quantile(Percentile::P95).map(|bin| bin.upper).ok_or("no samples")?;
//! assert_eq!(p95.value(), 0.953125);
//! let limit = Edge::at_or_above(p95.value() * 1.02)?;
//! assert_eq!(limit.value(), 0.97265625);
//! assert_eq!((stable.count_at_or_above(p95), canary.count_at_or_above(limit)), (47, 222));
//!
//! // Another pod, another minute: exact addition.
//! let mut all = stable.clone();
//! all.merge(&canary);
//! assert_eq!(all.count(), 2000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Source
//! The log-linear layout is that of Tene's HdrHistogram (2012); here on the bits of the float itself, so
//! that it has no unit, no smallest value and no largest. Rejected as inputs of tests: t-digest (no bound
//! of the error), KLL (an error of rank that would widen every band), DDSketch (a logarithm a sample, and
//! bins that collapse).

mod edge;
mod form;
mod histogram;
mod joint;
mod log_linear;
mod pages;
mod rejected;
mod sparse;

pub use edge::{Bin, Edge};
pub use joint::JointBin;
pub use log_linear::Sketch;
pub use rejected::Rejected;
pub(crate) use sparse::{Sparse, lower, middle, upper};
pub(crate) use sparse::{after, number_of};
