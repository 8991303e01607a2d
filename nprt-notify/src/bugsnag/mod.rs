//! Bugsnag, by its Error Reporting API: one event a notification, grouped by service and occasion. Details and the
//! verdict on a canary are tabs of the event.
//!
//! Written after <https://docs.bugsnag.com/api/error-reporting/>, payload version 5, which takes the key from
//! a header. Tested against a fake that keeps that page's rules, not against Bugsnag.
//!
//! Who wants failures alone in the error tracker sets [`least_severity`](BugsnagBuilder::least_severity).
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
