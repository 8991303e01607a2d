//! OTLP requests, written with the messages of OpenTelemetry's own crate, and what the aggregator answers then.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(feature = "otlp")]

mod answers;
mod hostile;
mod points;
#[path = "../support/mod.rs"]
mod support;
mod telling;
mod world;
