//! deployer from outside, through its binary. Most of it waits: for seconds and minutes to pass, for servers, for a
//! cluster. So it is one program whose tests run side by side, more of them than there are cores (`.cargo/runner`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says what it expects"
)]

mod aggregator;
mod autopilot;
mod busy;
mod ci;
mod config;
mod dry_run;
mod edge;
mod expected;
mod http;
mod image;
mod kubernetes;
mod log;
mod metrics_docs;
mod namespace;
mod options;
#[cfg(feature = "otel")]
mod otel;
mod otlp;
mod pages;
mod readme;
mod reload;
mod replicas;
mod schemathesis;
mod secrets;
mod settings;
mod statsd;
mod subversion;
#[path = "../support/mod.rs"]
mod support;
mod told;
mod unjudged;
