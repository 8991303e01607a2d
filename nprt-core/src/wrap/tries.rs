use std::time::Duration;

use super::Backoff;
use crate::ports::Clock;

/// The tries of one call: counts them, and pauses between them as a [`Backoff`] says. [`Retry`](super::Retry) is
/// made of it. Use it directly for a loop that keeps something from one try to the next, such as a change that is
/// built again on what somebody else has written meanwhile.
///
/// ```
/// # async fn example(clock: &dyn nprt_core::ports::Clock) -> nprt_core::Result<u32> {
/// use std::num::NonZeroU32;
///
/// use nprt_core::wrap::{Backoff, Tries};
/// use nprt_core::{Error, ErrorKind};
///
/// const TRIES: NonZeroU32 = NonZeroU32::new(20).unwrap();
///
/// let mut version = 1;
/// let mut tries = Tries::new(Backoff::immediate(TRIES), clock);
/// while tries.next().await {
///     match replace(version) {
///         Some(written) => return Ok(written),
///         None => version += 1,
///     }
/// }
/// Err(Error::new(ErrorKind::Conflict, "example", "others keep changing it"))
/// # }
/// # fn replace(version: u32) -> Option<u32> { (version > 2).then_some(version) }
/// ```
#[derive(Debug)]
pub struct Tries<'a> {
    backoff: Backoff,
    clock: &'a dyn Clock,
    made: u32,
}

impl<'a> Tries<'a> {
    /// None yet; `clock` times the pauses.
    #[must_use]
    pub fn new(backoff: Backoff, clock: &'a dyn Clock) -> Self {
        Self { backoff, clock, made: 0 }
    }

    /// How many there were, the one under way included.
    #[must_use]
    pub fn made(&self) -> u32 {
        self.made
    }

    /// Whether there is another try: the first at once, each other one after its pause.
    ///
    /// Cancel safe: a try whose pause is dropped is not counted.
    pub async fn next(&mut self) -> bool {
        match self.pause(Duration::ZERO, self.made.into()) {
            Some(pause) => {
                self.after(pause).await;
                true
            }
            None => false,
        }
    }

    /// The pause before the next try, no shorter than the server asks to `wait`; `None` where there is no other
    /// try, also because the server asks for more than [`Backoff::longest`]. `draw` tells apart the draws of the
    /// jitter's seed.
    pub(super) fn pause(&self, wait: Duration, draw: u64) -> Option<Duration> {
        if self.made == 0 {
            return Some(wait);
        }
        let pause = self.backoff.pause(self.made, draw).filter(|_| wait <= self.backoff.longest);
        pause.map(|pause| pause.max(wait))
    }

    /// Begins the next try after `pause`.
    pub(super) async fn after(&mut self, pause: Duration) {
        if !pause.is_zero() {
            self.clock.sleep(pause).await;
        }
        // It ends before it overflows: there is no pause after the last try.
        self.made += 1;
    }
}
