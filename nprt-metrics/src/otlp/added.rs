//! What a point of a stream adds to what the one before said.

use super::total::Total;
use crate::statsd::Reason;

/// What a stream said last. Times are nanoseconds since 1970, those of the producer.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) instrument: u128,
    /// As it was said.
    pub(super) start: u64,
    pub(super) time: u64,
    /// When it came, in seconds since 1970.
    pub(super) heard: i64,
    pub(super) total: Total,
    /// When it became less without saying a start; 0 is never.
    pub(super) fell: u64,
    /// Such a fall cannot have been a restart: two producers say the same.
    pub(super) is_doubted: bool,
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

/// When a point's total was zero. Some producers do not know when they began, and say that it was now.
pub(super) fn known_start(start: u64, time: u64) -> Option<u64> {
    (start > 0 && start < time).then_some(start)
}

/// What the first point of a stream adds, where its instrument was heard `before` with the same start.
pub(super) fn first(
    start: u64,
    time: u64,
    before: Option<u64>,
    total: &Total,
) -> Result<Option<Added>, Unknown> {
    match known_start(start, time).max(before).filter(|zero| time - zero <= LONGEST) {
        Some(zero) => Ok(Some(added(total.clone(), zero, time))),
        None => Err(Unknown::LeftOut(Reason::NoBase)),
    }
}

/// What another point adds, and whether it is the one to go on from.
pub(super) fn next(
    last: &mut Stream,
    start: u64,
    time: u64,
    total: &Total,
) -> (Result<Option<Added>, Unknown>, bool) {
    let Some(known) = known_start(start, time) else { return (without_start(last, time, total), true) };
    if start == last.start {
        let more = total.since(&last.total).map_err(Unknown::LeftOut);
        return (more.and_then(|more| in_time(more, last.time, time)), true);
    }
    if known >= last.time {
        return (in_time(total.clone(), known, time), true);
    }
    // Another producer says the same; the one that began last is believed, unless it is gone.
    let is_newer = known > last.start || time - last.time > LONGEST;
    (CONTRADICTORY, is_newer)
}

const CONTRADICTORY: Result<Option<Added>, Unknown> = Err(Unknown::LeftOut(Reason::Contradictory));

/// What a point adds that does not say when its total was zero. One that became less is the base of the next. A counter may
/// have begun anew; where it becomes less again soon, two producers alternate, and what they seem to add is their difference.
fn without_start(last: &mut Stream, time: u64, total: &Total) -> Result<Option<Added>, Unknown> {
    let fell_lately = last.fell > 0 && time.saturating_sub(last.fell) <= LONGEST;
    last.is_doubted &= fell_lately;
    if let Ok(more) = total.since(&last.total) {
        return if last.is_doubted { CONTRADICTORY } else { in_time(more, last.time, time) };
    }
    last.fell = time;
    last.is_doubted = fell_lately || !matches!(total, Total::Number(_));
    if last.is_doubted { CONTRADICTORY } else { in_time(total.clone(), last.time, time) }
}

fn in_time(total: Total, since: u64, time: u64) -> Result<Option<Added>, Unknown> {
    match time.saturating_sub(since) <= LONGEST {
        true => Ok(Some(added(total, since, time))),
        false => Err(Unknown::LeftOut(Reason::Resolution)),
    }
}

fn added(total: Total, since: u64, time: u64) -> Added {
    Added { total, seconds: time.saturating_sub(since) as f64 / 1e9 }
}
