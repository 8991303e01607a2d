//! The backend on a real control plane, which all of these tests share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

mod adopt;
mod autoscale;
mod cluster;
mod conformance;
mod diagnosis;
mod fence;
mod hands;
mod identity;
mod outage;
mod replaced;
mod rights;
mod unchanged;
mod unions;
mod world;
