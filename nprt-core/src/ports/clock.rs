use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// The time. All of nprt takes it from here, so that tests, demos and replay run on a clock of their own.
///
/// # Contract
/// - [`now`](Clock::now) never goes back by itself and shares its origin with the timestamps of the metrics.
/// - [`sleep`](Clock::sleep) returns once `now` has advanced by at least the duration, and is cancel-safe.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Clock: Debug + Send + Sync {
    /// The present time.
    fn now(&self) -> Timestamp;

    /// Waits for `duration` of this clock's time.
    async fn sleep(&self, duration: Duration);
}
