//! Classes of errors from Bugsnag, by release: the metric `errors` of a service whose requests are counted elsewhere.
//!
//! What to know:
//! - It lists the events of a project (`GET /projects/{project_id}/events` of the Data Access API, version 2) with
//!   their full reports, since short ones do not say the app's version, and counts them by minute, version and class.
//!   More than [`BugsnagErrorsConfig::max_events`] in a question are an error: half of the events would be no answer.
//! - The track comes of `app.version`. Bugsnag's notifiers set it from the option `appVersion`; give it the version
//!   that nprt deploys, its tag or its commit.
//! - An event without a version is left out and counted; one of a version that does not run is ignored, and a note
//!   says how many.
//! - Bugsnag allows few requests a minute. When it refuses one, the error says when to ask again.
//! - Bugsnag drops events beyond its plan and by sampling; count requests and failures where nothing is dropped. The
//!   classes say which kinds of errors are new.
//! - Tested against a fake, not against Bugsnag. It was made from
//!   <https://developer.smartbear.com/bugsnag/docs/bugsnag-data-access-api/Errors/listEventsOnProject>, and the pages
//!   there on filtering, pagination and rate limiting.
//!
//! ```no_run
//! # async fn run() -> nprt_core::Result<()> {
//! use std::sync::Arc;
//! use nprt_core::clock::SystemClock;
//! use nprt_core::model::{Secret, ServiceName};
//! use nprt_metrics::bugsnag::BugsnagErrorsConfig;
//!
//! let backend = BugsnagErrorsConfig::new(Secret::new("…"))
//!     .with_project(ServiceName::new("shop")?, "515fb9337c1074f6fd000003")
//!     .build(Arc::new(SystemClock))?;
//! # Ok(())
//! # }
//! ```

mod backend;
mod builder;
mod client;
mod config;
mod event;

pub use backend::BugsnagErrors;
pub use config::{BugsnagClass, BugsnagErrorsConfig};
