//! Tests that may be looked at every minute: their formulas beside a reference, what their docs promise,
//! and how often they raise a false alarm, with mutations that must raise more.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

mod band;
mod new_classes;
mod new_classes_runs;
mod paired_t;
mod quantile;
mod rank;
mod simulation;
