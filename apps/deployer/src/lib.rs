//! A deploy server: canaries beside stable in production, judged, promoted or rolled back, by HTTP.
//!
//! It composes the library [`nprt`] and holds nothing that a user of the library would want. The binary is
//! [`main`]; the package's README says how to use it.

mod app;
mod autopilot;
mod changes;
mod cli;
mod compose;
mod config;
mod demo;
mod expected;
mod files;
#[doc(hidden)]
pub mod fuzzed;
mod http;
mod log;
mod numbers;
mod otlp;
mod probes;
mod reload;
mod serve;
mod shutdown;
mod statsd;
mod statsd_numbers;
#[cfg_attr(not(feature = "otel"), path = "no_traces.rs")]
mod traces;
mod verdicts;

pub use cli::main;
