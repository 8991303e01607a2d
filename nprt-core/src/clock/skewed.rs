use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::ports::Clock;

/// The clock of a machine whose time of day is wrong: [`now`](Clock::now) differs from another clock's, and as much time
/// [passes](Clock::elapsed) as there.
#[derive(Debug, Clone)]
pub struct SkewedClock {
    clock: Arc<dyn Clock>,
    ahead: SignedDuration,
}

impl SkewedClock {
    /// One that is ahead of `clock`, or behind it where `ahead` is negative.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, ahead: SignedDuration) -> Self {
        Self { clock, ahead }
    }
}

#[async_trait]
impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        self.clock.now().saturating_add(self.ahead).unwrap_or(Timestamp::MAX)
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }
}
