//! The comparator from outside: each rule, each way to fail closed, properties, and a simulation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

mod arrival;
mod blocks;
mod closed;
mod policies;
mod properties;
mod rules;
mod sentences;
mod simulation;
