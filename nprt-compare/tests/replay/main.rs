//! Recorded series from outside: the format and its schema, what is written is what is read, and judging.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

mod format;
mod forms;
mod history;
mod judging;
mod left_out;
mod memory;
mod order;
mod outcome;
mod round_trip;
mod schema;
