//! Notifiers of nprt: where people are told what happened to their services.
//!
//! - `slack` (feature `slack`): messages by an incoming webhook, or by a bot's token with a thread a canary;
//! - `bugsnag` (feature `bugsnag`): events of the Error Reporting API;
//! - `webhook` (feature `webhook`): signed JSON to any receiver, by Standard Webhooks;
//! - [`FanOut`]: tells several notifiers at once.

// Badges of features on docs.rs.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "bugsnag", feature = "webhook"))]
mod address;
#[cfg(any(feature = "slack", feature = "bugsnag", feature = "webhook"))]
mod answer;
#[cfg(feature = "bugsnag")]
pub mod bugsnag;
mod fanout;
#[cfg(feature = "slack")]
pub mod slack;
#[cfg(any(feature = "slack", feature = "bugsnag"))]
mod text;
#[cfg(feature = "webhook")]
pub mod webhook;

pub use fanout::FanOut;

/// The README's snippet compiles and runs.
#[cfg(all(doctest, feature = "webhook"))]
#[doc = include_str!("../README.md")]
struct Readme;
