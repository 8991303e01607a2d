//! Wrappers that implement the port that they wrap, so that any backend can be given retries and time-outs.
//!
//! They compose: `Retry<Timeout<T>>` limits each try, `Timeout<Retry<T>>` all of them together. There is
//! none for [`Cluster`](crate::ports::Cluster): its writes are not to be repeated blindly, its leases have
//! time limits of their own, and the pipeline bounds its waits.

mod backoff;
mod by_metric;
mod cached;
mod kept_minutes;
mod retry;
mod time_left;
mod timeout;

pub use backoff::{Backoff, Jitter};
pub use by_metric::ByMetric;
pub use cached::CachedRegistry;
pub use kept_minutes::KeptMinutes;
pub use retry::Retry;
pub use time_left::{in_time, time_left};
pub use timeout::Timeout;
