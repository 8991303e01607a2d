//! Hostile repositories, servers, browsers and neighbours, through the binary. While each case runs, `/healthz` is asked
//! again and again, and the server's memory is watched. `./test reliability` writes what is measured to
//! docs/reliability.md.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    missing_docs,
    reason = "a test says what it expects"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "attackers wait on threads of their own, by the time of the world"
)]

mod floods;
mod manifests;
mod repositories;
mod servers;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the suite `server` uses all of it")]
mod support;
mod trees;
mod watch;
mod world;
