//! The comparator: is the canary worse than stable? Pure functions of policy and blocks.

mod verdict;

pub use verdict::{Decision, MetricVerdict, Needed, Verdict};
