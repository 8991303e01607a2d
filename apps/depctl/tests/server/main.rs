//! depctl against the real server: both binaries, as a person runs them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![allow(clippy::disallowed_methods, reason = "these tests wait for processes, outside of any runtime")]

mod completion;
mod deployer;
mod desk;
mod flow;
mod judged;
#[path = "../../../deployer/tests/support/process.rs"]
mod process;
mod walk;
#[path = "../../../deployer/tests/support/world.rs"]
mod world;
