//! Wrappers that implement the port that they wrap, so that any backend can be given retries and time-outs.
//!
//! They compose: `Retry<Timeout<T>>` limits each try, `Timeout<Retry<T>>` all of them together. [`Retry`] repeats
//! only the reads of a [`Cluster`](crate::ports::Cluster): a write without an answer may have landed, so it is not to
//! be repeated blindly. There is no [`Timeout`] of a `Cluster`: its leases have time limits of their own, and the
//! pipeline bounds its waits.
//!
//! [`Retry`], and loops that keep something from one try to the next, are made of [`Tries`], which counts and pauses as a
//! [`Backoff`] says.

mod backoff;
mod by_metric;
mod cached;
mod kept_minutes;
mod retry;
mod time_left;
mod timeout;
mod tries;

pub use backoff::{Backoff, Jitter};
pub use by_metric::ByMetric;
pub use cached::CachedRegistry;
pub use kept_minutes::KeptMinutes;
pub use retry::Retry;
pub use time_left::{in_time, time_left};
pub use timeout::Timeout;
pub use tries::Tries;
