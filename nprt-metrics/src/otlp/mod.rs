//! What OpenTelemetry sends, OTLP/HTTP metrics, for the [aggregator of statsd](crate::statsd): a team that has the SDKs or
//! a collector needs no metrics system.
//!
//! - [`OtlpConfig`]: which attributes say where something was measured, and which instruments make which metric. Its defaults are
//!   the semantic conventions: `http.server.request.duration` gives latency (of requests that did not fail), requests and
//!   errors by class, `process.cpu.time` and `process.memory.usage` the rest;
#![cfg_attr(
    feature = "otlp",
    doc = "- [`OtlpReceiver`]: answers `POST /v1/metrics`, and feeds an [`Aggregator`](crate::statsd::Aggregator)."
)]
//!
//! # Time
//! A point counts in the minute that it arrives in, as a line of statsd does, if it was measured within two minutes of that.
//! It should cover little time: one that covers more than a minute and a half is left out. Let SDKs export every
//! ten seconds.
//!
//! # Totals
//! Of delta temporality, a point is what it says. Of cumulative temporality it is what was added since the point before of the
//! same stream, which is a resource, a scope, an instrument and its attributes. A stream that began within the last minute and a
//! half began at zero; so did one that was not there when its instrument was last heard of with the same start
//! time. Another that is heard of for the first time, or again after a pause, was running already: its first point is left
//! out ([`Reason::NoBase`]).
//! A start time that is later tells a restart. A start that is missing, or is the point's own time, is not known: a number that
//! became less began anew, once in a minute and a half, and a histogram that did is left out for as long. Two producers that send
//! the same stream cannot be told apart: what contradicts itself is left out ([`Reason::Contradictory`]).
//!
//! # Bounds
//! A request holds at most 262,144 messages, and no resource, scope or point more than 128 attributes; else all of it is refused.
//! A name that is longer than 200 bytes costs the point.
//!
//! What is remembered of streams is part of the room of their service, a quarter of its share at the most; where that
//! is full of streams that are heard, a new one refuses its metrics for the minute, as everything without room does.
//!
//! # Quantiles
//! Of a histogram only the buckets are known. They are kept as such, whatever their edges, and answered as samples that lie
//! evenly in them, which is what the judge does with a histogram. The answer's
//! [error](nprt_core::ports::AnswerEvidence::quantile_error) is half the width of the widest bucket in use against its middle: with
//! the conventions' 14 edges 43 % above 5 ms, and 100 % below; of an exponential histogram of scale 3 and 4 it is 4.3 % and
//! 2.2 %. What lies above the last edge is taken to lie just above it, and a note says how many those are.
//!
//! [`Reason::NoBase`]: crate::statsd::Reason::NoBase
//! [`Reason::Contradictory`]: crate::statsd::Reason::Contradictory

#[cfg(feature = "otlp")]
mod added;
#[cfg(feature = "otlp")]
mod attributes;
mod config;
#[cfg(feature = "otlp")]
mod count;
#[cfg(feature = "otlp")]
mod flat;
#[cfg(feature = "otlp")]
mod fuzz;
#[cfg(feature = "otlp")]
mod json;
#[cfg(feature = "otlp")]
mod message;
#[cfg(feature = "otlp")]
mod point;
#[cfg(feature = "otlp")]
mod read;
#[cfg(feature = "otlp")]
mod receiver;
#[cfg(feature = "otlp")]
mod reply;
#[cfg(feature = "otlp")]
mod source;
#[cfg(feature = "otlp")]
mod streams;
#[cfg(feature = "otlp")]
mod taking;
#[cfg(feature = "otlp")]
mod tally;
#[cfg(feature = "otlp")]
mod total;
#[cfg(feature = "otlp")]
mod unit;
#[cfg(feature = "otlp")]
mod values;

pub use config::{OtlpAttributes, OtlpConfig, OtlpMetric};
#[cfg(feature = "otlp")]
#[doc(hidden)]
pub use fuzz::fuzz_request;
#[cfg(feature = "otlp")]
pub use {receiver::OtlpReceiver, reply::OtlpReply};
