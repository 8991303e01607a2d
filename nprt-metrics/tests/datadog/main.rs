//! The Datadog backend, on a fake of its API for time series made from the public specification: see
//! `tests/data/README.md`. Both versions of the API, and what they answer, are checked against its schemas.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(feature = "datadog")]

mod account;
mod answers;
mod config;
mod conforms;
mod fallback;
mod language;
mod schemas;
#[path = "../support/mod.rs"]
mod support;
mod tracks;
