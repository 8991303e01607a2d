use std::num::NonZeroU32;
use std::time::Duration;

/// How often, and after what pauses, a call is tried again. The pauses double from `first` up to `longest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// How often in all, the first try included.
    pub tries: NonZeroU32,
    /// The pause after the first try.
    pub first: Duration,
    /// No pause is longer.
    pub longest: Duration,
    /// How the pauses are spread.
    pub jitter: Jitter,
}

/// How pauses are spread, so that many who failed together do not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jitter {
    /// Not at all.
    None,
    /// Anything from no pause to the whole ("full jitter"), by this seed: give each process another one.
    Full {
        /// The same seed gives the same pauses.
        seed: u64,
    },
}

/// Five tries within about four seconds, the pauses not spread.
impl Default for Backoff {
    fn default() -> Self {
        Self {
            tries: const { NonZeroU32::new(5).unwrap() },
            first: Duration::from_millis(250),
            longest: Duration::from_secs(10),
            jitter: Jitter::None,
        }
    }
}

impl Backoff {
    /// So many tries without a pause between them: for a change that somebody else was quicker with, which waits
    /// for nothing before it is built again.
    #[must_use]
    pub const fn immediate(tries: NonZeroU32) -> Self {
        Self { tries, first: Duration::ZERO, longest: Duration::ZERO, jitter: Jitter::None }
    }

    /// The pause after try number `tried` (the first is 1), or `None` when that was the last. `draw` tells
    /// apart the draws of one seed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use nprt_core::wrap::Backoff;
    ///
    /// let pauses: Vec<_> = (1..=5).map(|tried| Backoff::default().pause(tried, 0)).collect();
    /// let ms = |ms| Some(Duration::from_millis(ms));
    /// assert_eq!(pauses, [ms(250), ms(500), ms(1000), ms(2000), None]);
    /// ```
    #[must_use]
    pub fn pause(&self, tried: u32, draw: u64) -> Option<Duration> {
        if tried >= self.tries.get() {
            return None;
        }
        let doubled = 2_u32.saturating_pow(tried.saturating_sub(1));
        let whole = self.first.saturating_mul(doubled).min(self.longest);
        Some(match self.jitter {
            Jitter::None => whole,
            Jitter::Full { seed } => part(whole, splitmix(seed.wrapping_add(draw.wrapping_mul(GAMMA)))),
        })
    }
}

/// `random / 2^64` of `whole`.
fn part(whole: Duration, random: u64) -> Duration {
    let nanos = (whole.as_nanos().min(u128::from(u64::MAX)) * u128::from(random)) >> 64;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// The increment of SplitMix64 (Steele, Lea, Flood 2014): its n-th number mixes `seed + n * GAMMA`.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

fn splitmix(state: u64) -> u64 {
    let mut z = state.wrapping_add(GAMMA);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_numbers() {
        // The reference implementation's first outputs for the seed 1234567.
        let numbers: Vec<u64> =
            (0..3_u64).map(|n| splitmix(1_234_567_u64.wrapping_add(n.wrapping_mul(GAMMA)))).collect();
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn full_jitter_fills_the_whole_pause_and_no_more() {
        let backoff = Backoff { jitter: Jitter::Full { seed: 7 }, ..Backoff::default() };
        let pauses: Vec<_> = (0..1000).filter_map(|draw| backoff.pause(2, draw)).collect();
        assert_eq!(pauses, (0..1000).filter_map(|draw| backoff.pause(2, draw)).collect::<Vec<_>>());
        let mean = pauses.iter().sum::<Duration>() / 1000;
        assert!(pauses.iter().all(|&pause| pause < Duration::from_millis(500)));
        assert!((230..270).contains(&mean.as_millis()), "{mean:?}");
        assert!(pauses.iter().any(|&pause| pause < Duration::from_millis(25)));
        assert!(pauses.iter().any(|&pause| pause > Duration::from_millis(475)));
    }

    #[test]
    fn pauses_are_bounded_however_often_it_was_tried() {
        let backoff = Backoff { tries: NonZeroU32::MAX, ..Backoff::default() };
        for tried in [7, 32, 33, 64, u32::MAX - 1] {
            assert_eq!(backoff.pause(tried, 0), Some(backoff.longest), "{tried}");
        }
        assert_eq!(backoff.pause(u32::MAX, 0), None);
    }
}
