//! Clocks: the system's, one that runs faster, for demos, and two for tests.

mod manual;
mod skewed;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::ports::Clock;

pub use manual::ManualClock;
pub use skewed::SkewedClock;

/// How far the clocks of two machines may differ and count as one.
pub const TOLERANCE: Duration = Duration::from_secs(5);

/// Whether two machines that read their clocks at the same moment differ by more than the [tolerance](TOLERANCE).
#[must_use]
pub fn differs(one: Timestamp, other: Timestamp) -> bool {
    one.duration_since(other).unsigned_abs() > TOLERANCE
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the injected clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        ORIGIN.get_or_init(Instant::now).elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A clock that runs `factor` times as fast as the system's from the moment it was made, so that a demo
/// shows an hour in a minute. Share one (by `Arc` or by copy) among all parts, or their times disagree.
#[derive(Debug, Clone, Copy)]
pub struct FastClock {
    origin: Timestamp,
    started: Instant,
    factor: u32,
}

impl FastClock {
    /// A clock that runs `factor` times (at least once) as fast, beginning now.
    #[must_use]
    pub fn new(factor: u32) -> Self {
        Self { origin: SystemClock.now(), started: Instant::now(), factor: factor.max(1) }
    }

    /// How many times as fast it runs.
    #[must_use]
    pub fn factor(&self) -> u32 {
        self.factor
    }
}

#[async_trait]
impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.elapsed()).unwrap_or(SignedDuration::MAX);
        self.origin.checked_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed().saturating_mul(self.factor)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration / self.factor).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fast_clock_advances_by_its_factor() {
        let clock = FastClock::new(1000);
        let start = clock.now();
        clock.sleep(Duration::from_secs(20)).await;
        assert!(clock.now().duration_since(start) >= SignedDuration::from_secs(20));
    }
}
