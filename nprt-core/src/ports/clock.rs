use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// The time. All of nprt takes it from here, so that tests, demos and replay run on a clock of their own.
///
/// # Contract
/// - [`now`](Clock::now) never goes back by itself and shares its origin with the timestamps of the metrics. A person
///   may set it to another time.
/// - [`elapsed`](Clock::elapsed) never goes back and never jumps, whatever is done to the time of day.
/// - [`sleep`](Clock::sleep) returns once both have advanced by at least the duration, and is cancel-safe.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Clock: Debug + Send + Sync {
    /// The present time.
    fn now(&self) -> Timestamp;

    /// How much time has passed since a moment that stays the same for this clock, by which durations are measured.
    fn elapsed(&self) -> Duration;

    /// Waits for `duration` of this clock's time.
    async fn sleep(&self, duration: Duration);
}
