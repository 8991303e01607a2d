//! The one way that nprt's backends make HTTP requests: TLS by rustls with ring, time-outs on every request,
//! redirects that never leave the host, and errors that hold neither a secret nor a URL's query.

mod body;
mod client;
mod failure;
mod limit;

pub use body::{base_url, read_body};
pub use client::{ClientConfig, client, tls};
pub use failure::{request_error, retry_after, status_error};
pub use limit::{Limit, check_values};

/// The README's snippet compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
