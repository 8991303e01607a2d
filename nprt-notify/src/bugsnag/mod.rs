//! Bugsnag, by its Error Reporting API: one event a failure, grouped by service and occasion.
//!
//! Written after <https://docs.bugsnag.com/api/error-reporting/>, payload version 5, which takes the key from
//! a header. Tested against a fake that keeps that page's rules, not against Bugsnag.
//!
//! Only [`Severity::Error`](nprt_core::ports::Severity::Error) is sent: an error tracker is no news channel.
//!
//! ```no_run
//! use nprt_core::model::Secret;
//! use nprt_notify::bugsnag::Bugsnag;
//!
//! # fn main() -> nprt_core::Result<()> {
//! let key = std::env::var("BUGSNAG_API_KEY").unwrap_or_default();
//! let bugsnag = Bugsnag::builder(Secret::new(key)).release_stage("staging").build()?;
//! # Ok(())
//! # }
//! ```

mod backend;
mod builder;
mod client;
mod config;
mod event;

pub use backend::Bugsnag;
pub use builder::BugsnagBuilder;
pub use config::BugsnagConfig;
