//! The git backend against a local directory and `git http-backend`.
#![cfg(feature = "git")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

mod bomb;
mod build;
mod cache;
mod conformance;
mod damage;
mod hostile;
mod server;
mod trust;
mod writer;
