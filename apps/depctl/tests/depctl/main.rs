//! depctl from outside, through the built binary, against a fake server written from the HTTP contract.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

mod change;
mod completion;
mod config;
mod errors;
mod read;
mod readme;
mod replay;
mod stream;
mod support;
mod watch;
