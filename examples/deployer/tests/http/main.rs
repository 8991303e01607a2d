//! The server by HTTP, through the binary, with services in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says what it expects"
)]

mod access;
mod patience;
mod routes;
#[path = "../support/mod.rs"]
mod support;
