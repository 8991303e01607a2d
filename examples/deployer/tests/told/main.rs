//! Who is told what: Slack by a webhook and by a bot, Bugsnag and a webhook of one's own, all of them fakes on the
//! wire, through the binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says what it expects"
)]

mod ears;
mod failing;
mod hooks;
mod matrix;
#[path = "../support/mod.rs"]
mod support;
mod thread;
