//! One data set through every way to measure it: each backend's percentiles are within the error that it states, and the
//! verdict on each canary is the same, whoever measured it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(all(feature = "statsd", feature = "prometheus", feature = "datadog"))]

#[path = "../datadog/account.rs"]
mod account;
mod answered;
mod classic;
mod data;
mod datadog;
mod exporter;
#[path = "../datadog/language.rs"]
mod language;
mod live;
mod native;
#[path = "../datadog/schemas.rs"]
mod schemas;
mod statsd;
#[path = "../support/mod.rs"]
mod support;
