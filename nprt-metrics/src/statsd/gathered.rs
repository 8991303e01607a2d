use std::collections::BTreeMap;

use super::Reason;
use super::bins::Scratch;
use super::ranges::Ranges;
use super::timings::Timings;

/// What one block of the minute that runs is made of.
#[derive(Debug)]
pub(super) enum Gathered {
    Samples(Timings),
    Ranges(Ranges),
    Value { sum: f64, count: u32 },
    Requests { requests: f64, errors: f64 },
    Classes(BTreeMap<Box<str>, f64>),
}

/// What a line adds to a block.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reading<'a> {
    /// A sample, and how many measurements it stands for.
    Sample(f64, f64),
    /// Samples of which only the bucket is known: above the first number and at or below the second, which may be
    /// infinite.
    #[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "no line of statsd says that"))]
    Between(f64, f64, u64),
    /// A gauge has this value.
    Gauge(f64),
    Requests(f64),
    Errors(f64),
    Class(&'a str, f64),
}

/// Above it, a count held as a floating-point number is no longer exact.
const LARGEST: f64 = 9_007_199_254_740_992.0;
/// So many samples of a bucket at the most, in one reading: more would be spread over ever more bins, and nothing measures them
/// in a minute.
const MOST_IN_BUCKET: u64 = 1 << 32;
/// A sample stands for so many measurements at the most.
const HEAVIEST: f64 = 1e6;
/// About what an entry of a `BTreeMap` takes beside the class itself.
const CLASS: usize = 80;

/// Why a reading was not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// It makes no sense: it costs itself.
    Bad(Reason),
    /// It breaks a limit of its block.
    Limit,
}

impl Reading<'_> {
    /// Whether it makes sense at all.
    pub(super) fn check(self) -> Result<(), Reason> {
        let of = |number: f64| match number {
            _ if number.is_nan() => Err(Reason::NotANumber),
            _ if number.abs() > LARGEST => Err(Reason::TooGreat),
            _ => Ok(()),
        };
        match self {
            Self::Gauge(value) => of(value),
            Self::Between(low, high, count) => match () {
                () if low < 0.0 => Err(Reason::Negative),
                () if low.is_nan() || high.is_nan() => Err(Reason::NotANumber),
                () if low > high => Err(Reason::Malformed),
                () if low > LARGEST || count > MOST_IN_BUCKET => Err(Reason::TooGreat),
                () => Ok(()),
            },
            Self::Sample(_, weight) if weight > HEAVIEST => Err(Reason::TooGreat),
            Self::Sample(n, _) | Self::Requests(n) | Self::Errors(n) | Self::Class(_, n) => {
                if n < 0.0 {
                    Err(Reason::Negative)
                } else {
                    of(n)
                }
            }
        }
    }
}

impl Gathered {
    pub(super) fn empty(reading: Reading<'_>) -> Self {
        match reading {
            Reading::Sample(..) => Self::Samples(Timings::default()),
            Reading::Between(..) => Self::Ranges(Ranges::default()),
            Reading::Gauge(_) => Self::Value { sum: 0.0, count: 0 },
            Reading::Requests(_) | Reading::Errors(_) => Self::Requests { requests: 0.0, errors: 0.0 },
            Reading::Class(..) => Self::Classes(BTreeMap::new()),
        }
    }

    /// Adds a reading that makes sense, and says how many bytes more that takes.
    pub(super) fn add(
        &mut self,
        reading: Reading<'_>,
        most_classes: usize,
        scratch: &mut Scratch,
    ) -> Result<usize, Stop> {
        match (self, reading) {
            (Self::Samples(timings), Reading::Sample(sample, weight)) => {
                let before = timings.bytes();
                timings.add(sample, weight, scratch);
                Ok(timings.bytes() - before)
            }
            (Self::Ranges(ranges), Reading::Between(low, high, count)) => {
                ranges.add(low, high, count).ok_or(Stop::Limit)
            }
            (Self::Value { sum, count }, Reading::Gauge(value)) => {
                // Finite: 2^32 values of 2^53 are far from the largest number.
                *sum += value;
                *count = count.saturating_add(1);
                Ok(0)
            }
            (Self::Requests { requests, .. }, Reading::Requests(n)) => count(requests, n),
            (Self::Requests { errors, .. }, Reading::Errors(n)) => count(errors, n),
            (Self::Classes(classes), Reading::Class(class, n)) => {
                if let Some(known) = classes.get_mut(class) {
                    return count(known, n);
                }
                if classes.len() >= most_classes {
                    return Err(Stop::Limit);
                }
                classes.insert(class.into(), n);
                Ok(class.len() + CLASS)
            }
            // A metric's blocks have one form.
            _ => Err(Stop::Limit),
        }
    }

    /// Bytes outside of itself.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Samples(timings) => timings.bytes(),
            Self::Ranges(ranges) => ranges.bytes(),
            Self::Value { .. } | Self::Requests { .. } => 0,
            Self::Classes(classes) => classes.keys().map(|class| class.len() + CLASS).sum(),
        }
    }
}

/// Adds to a count; what would make it too great costs itself.
fn count(total: &mut f64, n: f64) -> Result<usize, Stop> {
    if *total + n > LARGEST {
        return Err(Stop::Bad(Reason::TooGreat));
    }
    *total += n;
    Ok(0)
}
