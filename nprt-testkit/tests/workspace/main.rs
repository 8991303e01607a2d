//! What holds of the workspace as a whole: which crate may use which, what no library below the backends may pull in,
//! how large a crate may grow, and what each published crate brings along.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

mod edges;
mod metadata;
mod published;
mod size;
mod trees;
