//! Each profile against what its producer exposes, scraped by Debian's Prometheus as `docs/metrics.md` says, and asked as the page
//! says: a test reads both blocks from the page.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(feature = "prometheus")]

mod live;
mod page;
mod pods;
mod proxies;
#[path = "../support/mod.rs"]
mod support;
mod world;
