//! Notifiers of nprt: where people are told what happened to their services.
//!
//! - `slack` (feature `slack`): messages by an incoming webhook;
//! - `bugsnag` (feature `bugsnag`): failures as events of the Error Reporting API;
//! - [`FanOut`]: tells several notifiers at once.

#[cfg(any(feature = "slack", feature = "bugsnag"))]
mod answer;
#[cfg(feature = "bugsnag")]
pub mod bugsnag;
mod fanout;
#[cfg(feature = "slack")]
pub mod slack;
#[cfg(any(feature = "slack", feature = "bugsnag"))]
mod text;

pub use fanout::FanOut;
