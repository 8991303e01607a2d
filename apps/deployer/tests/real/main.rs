//! The server on a real control plane, with a git repository over HTTP and an OCI registry. `NPRT_LONG=1` repeats
//! each case as often as it takes to find what happens seldom; figures are those of a release build:
//! `NPRT_LONG=1 cargo test --release -p nprt-deployer --test real -- --nocapture`. With `NPRT_DEPLOYER=FILE` they are those of
//! that binary, as the image's.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says what it expects"
)]

mod connections;
mod demo;
mod kill;
mod lasting;
mod overlap;
mod shutdown;
mod speed;
mod start;
#[path = "../support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the suite `server` uses all of it")]
mod support;
mod usage;
mod world;

/// What a build without optimisation keeps on a busy machine, or what is promised.
fn bound<T>(lenient: T, promised: T) -> T {
    if cfg!(debug_assertions) { lenient } else { promised }
}
