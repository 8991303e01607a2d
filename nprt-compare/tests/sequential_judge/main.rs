//! The judge by sequential rules: what it decides, and that a state that is written and read back goes on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

mod disorder;
mod rules;
mod saved;
mod schema;
mod verdicts;
mod world;
