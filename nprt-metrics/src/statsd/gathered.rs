use std::collections::BTreeMap;

use nprt_core::model::BlockData;

use super::Limits;
use super::room::Room;

/// What one block is made of.
#[derive(Debug)]
pub(super) enum Gathered {
    Samples(Vec<f64>),
    Value { sum: f64, count: u32, last: f64 },
    Requests { requests: f64, errors: f64 },
    Classes(BTreeMap<Box<str>, f64>),
}

/// What a line adds to a block.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reading<'a> {
    Sample(f64),
    /// A gauge is set to it.
    Gauge(f64),
    /// A gauge changes by it, from the value that it had in an earlier minute if it has none in this one.
    Change(f64, Option<f64>),
    Requests(f64),
    Errors(f64),
    Class(&'a str, f64),
}

/// Above it, a count held as a floating-point number is no longer exact.
const LARGEST: f64 = 9_007_199_254_740_992.0;

/// Why a reading was not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// It needs so much more room than was granted.
    Needs(Room),
    /// It breaks a limit of its block, or makes no sense.
    Refused,
}

impl Gathered {
    pub(super) fn empty(reading: Reading<'_>) -> Self {
        match reading {
            Reading::Sample(_) => Self::Samples(Vec::new()),
            Reading::Gauge(_) | Reading::Change(..) => Self::Value { sum: 0.0, count: 0, last: 0.0 },
            Reading::Requests(_) | Reading::Errors(_) => Self::Requests { requests: 0.0, errors: 0.0 },
            Reading::Class(..) => Self::Classes(BTreeMap::new()),
        }
    }

    /// Adds a reading. What it takes of the room must be in `granted`, which is spent then.
    pub(super) fn add(
        &mut self,
        reading: Reading<'_>,
        granted: &mut Room,
        limits: &Limits,
    ) -> Result<(), Stop> {
        match (self, reading) {
            (Self::Samples(samples), Reading::Sample(sample)) => {
                if samples.len() == samples.capacity() {
                    make_space(samples, granted, limits)?;
                }
                samples.push(sample);
                Ok(())
            }
            (Self::Value { sum, count, last }, reading) => {
                *last = match reading {
                    Reading::Gauge(value) => value,
                    Reading::Change(by, _) if *count > 0 => *last + by,
                    Reading::Change(by, before) => before.ok_or(Stop::Refused)? + by,
                    _ => return Err(Stop::Refused),
                };
                *sum += *last;
                *count = count.checked_add(1).ok_or(Stop::Refused)?;
                if sum.is_finite() { Ok(()) } else { Err(Stop::Refused) }
            }
            (Self::Requests { requests, .. }, Reading::Requests(n)) => count(requests, n),
            (Self::Requests { errors, .. }, Reading::Errors(n)) => count(errors, n),
            (Self::Classes(classes), Reading::Class(class, n)) => {
                if let Some(known) = classes.get_mut(class) {
                    return count(known, n);
                }
                if classes.len() >= limits.classes_per_block {
                    return Err(Stop::Refused);
                }
                spend(granted, Room { blocks: 1, samples: 0, name_bytes: class.len() })?;
                count(classes.entry(class.into()).or_default(), n)
            }
            _ => Err(Stop::Refused),
        }
    }

    pub(super) fn data(&self) -> BlockData {
        match self {
            Self::Samples(samples) => BlockData::Samples(samples.clone()),
            Self::Value { sum, count, .. } => BlockData::Value(sum / f64::from(*count)),
            Self::Requests { requests, errors } => {
                BlockData::Requests { requests: whole(requests.max(*errors)), errors: whole(*errors) }
            }
            Self::Classes(classes) => {
                BlockData::Classes(classes.iter().map(|(class, n)| (class.to_string(), whole(*n))).collect())
            }
        }
    }
}

/// Spends what was granted, which is nothing or just that.
pub(super) fn spend(granted: &mut Room, needed: Room) -> Result<(), Stop> {
    if *granted == needed {
        *granted = Room::default();
        return Ok(());
    }
    Err(Stop::Needs(needed))
}

/// Doubles the space for samples; what is empty of it counts as taken.
fn make_space(samples: &mut Vec<f64>, granted: &mut Room, limits: &Limits) -> Result<(), Stop> {
    let space = samples.capacity().saturating_mul(2).max(4).min(limits.samples_per_block);
    let more = space.saturating_sub(samples.capacity());
    if more == 0 {
        return Err(Stop::Refused);
    }
    spend(granted, Room { blocks: 0, samples: more, name_bytes: 0 })?;
    samples.reserve_exact(more);
    Ok(())
}

fn count(total: &mut f64, n: f64) -> Result<(), Stop> {
    *total += n;
    if n >= 0.0 && *total <= LARGEST { Ok(()) } else { Err(Stop::Refused) }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 2^53, as counted")]
fn whole(count: f64) -> u64 {
    count.round() as u64
}
