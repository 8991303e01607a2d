use std::time::Duration;

use nprt_core::{Error, Result};

/// How long an aggregation window must be, and what it then holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its length, in whole minutes.
    pub length: Duration,
    /// Samples that it holds on stable.
    pub stable_samples: u64,
    /// Samples that it holds on the canary.
    pub canary_samples: u64,
}

impl Window {
    /// The shortest window of whole minutes in which both tracks get `wanted_samples`, where the service as
    /// a whole gets `rate_per_minute` requests and its instances share them evenly.
    ///
    /// One request a minute, two stable instances and one of the canary: 120 minutes give 80 and 40.
    ///
    /// ```
    /// use std::time::Duration;
    /// use nprt_compare::Window;
    ///
    /// let window = Window::for_throughput(1.0, 2, 1, 40)?;
    /// assert_eq!(window.length, Duration::from_secs(120 * 60));
    /// assert_eq!((window.stable_samples, window.canary_samples), (80, 40));
    /// # Ok::<(), nprt_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid`, naming the argument, for a rate that is not a finite number above 0, no instances on a
    /// track, no wanted samples, or a window of more than 10^9 minutes.
    pub fn for_throughput(
        rate_per_minute: f64,
        stable_instances: u32,
        canary_instances: u32,
        wanted_samples: u64,
    ) -> Result<Self> {
        if !(rate_per_minute.is_finite() && rate_per_minute > 0.0) {
            return Err(invalid("expected a rate above 0").with("rate_per_minute", rate_per_minute));
        }
        for (key, value) in [
            ("stable_instances", u64::from(stable_instances)),
            ("canary_instances", u64::from(canary_instances)),
            ("wanted_samples", wanted_samples),
        ] {
            if value == 0 {
                return Err(invalid("expected 1 or more").with(key, value));
            }
        }
        let instances = f64::from(stable_instances) + f64::from(canary_instances);
        let rate_of = |own: u32| rate_per_minute * f64::from(own) / instances;
        let thinner = rate_of(stable_instances.min(canary_instances));
        let minutes = minutes_for(wanted_samples, thinner).ok_or_else(|| {
            invalid("the window would be longer than 10^9 minutes")
                .with("rate_per_minute", rate_per_minute)
                .with("wanted_samples", wanted_samples)
        })?;
        let samples = |own| whole((minutes as f64 * rate_of(own) * (1.0 + 2.0 * ROUNDING)).floor());
        Ok(Self {
            length: Duration::from_secs(60 * minutes),
            stable_samples: samples(stable_instances),
            canary_samples: samples(canary_instances),
        })
    }
}

/// How far rounding may have moved a product of a few numbers; so little is no reason for another minute.
const ROUNDING: f64 = 1e-12;

/// Minutes until a track with this rate has so many samples; `None` for more than 10^9, or no rate.
pub(super) fn minutes_for(samples: u64, rate_per_minute: f64) -> Option<u64> {
    let minutes = (samples as f64 / rate_per_minute * (1.0 - ROUNDING)).ceil();
    (minutes.is_finite() && minutes <= 1e9).then(|| whole(minutes))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count that is not negative; the cast saturates"
)]
fn whole(count: f64) -> u64 {
    count as u64
}

fn invalid(message: &str) -> Error {
    Error::invalid("window.for_throughput", message)
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, proptest};

    use super::*;

    #[test]
    fn what_makes_no_window_is_named() {
        for (result, named) in [
            (Window::for_throughput(0.0, 2, 1, 40), "rate_per_minute: 0"),
            (Window::for_throughput(-1.0, 2, 1, 40), "rate_per_minute: -1"),
            (Window::for_throughput(f64::NAN, 2, 1, 40), "rate_per_minute: NaN"),
            (Window::for_throughput(f64::INFINITY, 2, 1, 40), "rate_per_minute: inf"),
            (Window::for_throughput(1.0, 0, 1, 40), "stable_instances: 0"),
            (Window::for_throughput(1.0, 2, 0, 40), "canary_instances: 0"),
            (Window::for_throughput(1.0, 2, 1, 0), "wanted_samples: 0"),
            (Window::for_throughput(1e-300, 2, 1, u64::MAX), "longer than 10^9 minutes"),
        ] {
            let error = result.unwrap_err();
            assert!(error.is_invalid() && error.to_string().contains(named), "{error}");
        }
    }

    proptest! {
        #[test]
        fn it_is_the_shortest_that_holds_enough(
            tenths in 1_u32..100_000, stable in 1_u32..50, canary in 1_u32..50, wanted in 1_u64..100_000,
        ) {
            let rate = f64::from(tenths) / 10.0;
            let window = Window::for_throughput(rate, stable, canary, wanted).unwrap();
            prop_assert!(window.stable_samples.min(window.canary_samples) >= wanted);
            // In whole numbers: one minute less gives the thinner track too few.
            let minutes = u128::from(window.length.as_secs() / 60) - 1;
            let got = minutes * u128::from(tenths) * u128::from(stable.min(canary));
            prop_assert!(got < u128::from(wanted) * 10 * u128::from(stable + canary));
        }
    }
}
