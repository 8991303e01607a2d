//! What a point of a stream adds to what the one before said.

use super::total::Total;
use crate::statsd::Reason;

/// What a stream said last. Times are nanoseconds since 1970, those of the producer.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) instrument: u128,
    pub(super) start: u64,
    pub(super) time: u64,
    /// When it came, in seconds since 1970.
    pub(super) heard: i64,
    pub(super) total: Total,
}

/// What was added, and in how many seconds.
#[derive(Debug, PartialEq)]
pub(super) struct Added {
    pub(super) total: Total,
    pub(super) seconds: f64,
}

/// Why nothing is known to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    LeftOut(Reason),
    NoRoom,
}

/// What a point may cover, in nanoseconds: a minute, and half of one for producers that are late.
pub(super) const LONGEST: u64 = 90_000_000_000;

/// What the first point of a stream adds, where its instrument was heard `before`.
pub(super) fn first(
    start: u64,
    time: u64,
    before: Option<u64>,
    total: &Total,
) -> Result<Option<Added>, Unknown> {
    // Some producers do not know when they began, and say that it was now.
    let start = (start > 0 && start < time).then_some(start);
    match start.max(before).filter(|zero| time - zero <= LONGEST) {
        Some(zero) => Ok(Some(added(total.clone(), zero, time))),
        None => Err(Unknown::LeftOut(Reason::NoBase)),
    }
}

/// What another point adds, and whether it is the one to go on from.
pub(super) fn next(
    last: &Stream,
    start: u64,
    time: u64,
    total: &Total,
) -> (Result<Option<Added>, Unknown>, bool) {
    let left_out = |reason| Err(Unknown::LeftOut(reason));
    let in_time = |total, since| match time.saturating_sub(since) <= LONGEST {
        true => Ok(Some(added(total, since, time))),
        false => left_out(Reason::Resolution),
    };
    if start == last.start {
        return match total.since(&last.total) {
            Ok(more) => (in_time(more, last.time), true),
            // A producer that says no start begins anew like that.
            Err(_) if start == 0 => (in_time(total.clone(), last.time), true),
            Err(reason) => (left_out(reason), true),
        };
    }
    if start >= last.time {
        return (in_time(total.clone(), start), true);
    }
    // Another producer says the same; the one that began last is believed, unless it is gone.
    let is_newer = start > last.start || time - last.time > LONGEST;
    (left_out(Reason::Contradictory), is_newer)
}

fn added(total: Total, since: u64, time: u64) -> Added {
    Added { total, seconds: time.saturating_sub(since) as f64 / 1e9 }
}
