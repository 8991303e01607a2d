//! Classes of errors from Sentry, by release: the metric `errors` of a service whose requests are counted elsewhere.
//!
//! What to know:
//! - It lists the error events of a project (`GET /api/0/projects/{organization}/{project}/events/`), a hundred a
//!   page, and counts them by minute, release and class. More than [`SentryConfig::max_events`] in a question are an
//!   error: half of the events would be no answer.
//! - The track comes of the event's tag `release`. Sentry's SDKs set it from the option `release` or the variable
//!   `SENTRY_RELEASE`; give it the version that nprt deploys, its tag or its commit.
//! - An event without a release is left out and counted; one of a release that does not run is ignored, and a note
//!   says how many.
//! - Sentry drops events by its quota, its filters and the SDK's `sample_rate`; count requests and failures where
//!   nothing is dropped. The classes say which kinds of errors are new.
//! - The token needs the scope `project:read`.
//! - Tested against a fake, not against Sentry. It was made from <https://docs.sentry.io/api/events/list-a-projects-error-events/>,
//!   <https://docs.sentry.io/api/pagination/> and <https://docs.sentry.io/api/ratelimits/>.
//!
//! ```no_run
//! # async fn run() -> nprt_core::Result<()> {
//! use std::sync::Arc;
//! use nprt_core::{clock::SystemClock, model::Secret};
//! use nprt_metrics::sentry::SentryConfig;
//!
//! let backend = SentryConfig::new("acme", Secret::new("…")).build(Arc::new(SystemClock))?;
//! # Ok(())
//! # }
//! ```

mod backend;
mod builder;
mod client;
mod config;

pub use backend::Sentry;
pub use config::{SentryClass, SentryConfig};
