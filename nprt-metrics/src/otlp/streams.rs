//! What streams of cumulative temporality said last, so that what was added since is known.
#![expect(
    clippy::disallowed_types,
    reason = "streams are looked up by their identity, and no order of theirs is ever seen"
)]

use std::collections::{BTreeMap, HashMap};

use foldhash::quality::RandomState;

use super::added::{Added, Stream, Unknown, first, known_start, next};
use super::total::Total;

/// By service.
#[derive(Debug, Default)]
pub(super) struct Streams(BTreeMap<String, OfService>);

#[derive(Debug, Default)]
struct OfService {
    streams: HashMap<u128, Stream, RandomState>,
    /// When instruments were heard of, by resource and scope.
    instruments: HashMap<u128, Heard, RandomState>,
    /// Bytes that totals take beside the maps.
    totals: usize,
    /// When those that were not heard for long were forgotten last.
    swept: i64,
}

/// Moments that an instrument spoke of: the last two.
#[derive(Debug, Clone, Copy)]
struct Heard {
    before: Option<Moment>,
    last: Moment,
    /// A stream of it was forgotten: one that is new may be that, and did not begin at zero.
    forgot: bool,
}

/// When something was said, and since when it counted, where that was known: another start is that of another process.
#[derive(Debug, Clone, Copy)]
struct Moment {
    start: Option<u64>,
    time: u64,
}

/// A point of a stream. Times are nanoseconds since 1970, those of the producer.
#[derive(Debug)]
pub(super) struct Told {
    /// The instrument of a resource and scope.
    pub(super) instrument: u128,
    /// The same with the attributes of the point.
    pub(super) stream: u128,
    pub(super) start: u64,
    pub(super) time: u64,
    pub(super) total: Total,
}

/// A stream that was not heard for so many seconds is forgotten.
const FORGOTTEN: i64 = 600;
/// Where there is no room, one that was not heard for so many makes way for another.
const SILENT: i64 = 120;
/// Streams take this part of what is certain for their service.
const PART: usize = 4;
const STREAM: usize = size_of::<(u128, Stream)>() + 8;
const INSTRUMENT: usize = size_of::<(u128, Heard)>() + 8;

impl Streams {
    /// Takes a point in. `None` where it says nothing new.
    pub(super) fn told(
        &mut self,
        service: &str,
        told: Told,
        share: usize,
        now: i64,
    ) -> Result<Option<Added>, Unknown> {
        if !self.0.contains_key(service) {
            self.0.insert(service.to_owned(), OfService::default());
        }
        match self.0.get_mut(service) {
            Some(of) => of.told(told, share / PART, now),
            None => Err(Unknown::NoRoom),
        }
    }

    /// Bytes that the streams of each service take; those of which `keep` says no are forgotten.
    pub(super) fn settle(&mut self, keep: impl Fn(&str, usize) -> bool) {
        self.0.retain(|service, of| keep(service, of.bytes()));
    }
}

impl OfService {
    fn bytes(&self) -> usize {
        let maps = self.streams.capacity() * STREAM + self.instruments.capacity() * INSTRUMENT;
        maps * 8 / 7 + self.totals
    }

    fn told(&mut self, told: Told, most: usize, now: i64) -> Result<Option<Added>, Unknown> {
        if now.saturating_sub(self.swept) >= 60 {
            self.forget(now.saturating_sub(FORGOTTEN));
            self.swept = now;
        }
        let Told { instrument, stream, start, time, total } = told;
        let before = self.streams.get(&stream).map(|last| last.total.bytes());
        if self.would_take(before, total.bytes()) > most {
            // Once a second at the most: a flood of new ones must not search all each time.
            if self.swept != now {
                self.forget(now.saturating_sub(SILENT));
                self.swept = now;
            }
            if self.would_take(before, total.bytes()) > most {
                self.lose(instrument, stream);
                return Err(Unknown::NoRoom);
            }
        }
        let before = self.heard(instrument, Moment { start: known_start(start, time), time });
        let Some(last) = self.streams.get_mut(&stream) else {
            let added = first(start, time, before, &total);
            self.totals += total.bytes();
            let new = Stream { instrument, start, time, heard: now, total, fell: 0, is_doubted: false };
            self.streams.insert(stream, new);
            return added;
        };
        last.heard = now;
        if time <= last.time {
            // It came again, or after a later one, which says more.
            return Ok(None);
        }
        let (added, is_newer) = next(last, start, time, &total);
        if is_newer {
            self.totals = (self.totals + total.bytes()).saturating_sub(last.total.bytes());
            (last.start, last.time, last.total) = (start, time, total);
        }
        added
    }

    /// Bytes that it would take with another total of that size, of a new stream or instead of one of `before` bytes.
    fn would_take(&self, before: Option<usize>, total: usize) -> usize {
        let Some(before) = before else {
            // Where a map is full, it becomes twice as large.
            let more =
                |full: bool, capacity: usize, each: usize| if full { (capacity + 4) * each } else { 0 };
            let streams =
                more(self.streams.len() == self.streams.capacity(), self.streams.capacity(), STREAM);
            let is_full = self.instruments.len() == self.instruments.capacity();
            let instruments = more(is_full, self.instruments.capacity(), INSTRUMENT);
            return self.bytes() + total + (streams + instruments) * 8 / 7;
        };
        // One that grows no more stays.
        if total <= before { 0 } else { self.bytes() + total - before }
    }

    /// Forgets a stream for which there is no room: whatever comes of its instrument did not begin at zero.
    fn lose(&mut self, instrument: u128, stream: u128) {
        if let Some(lost) = self.streams.remove(&stream) {
            self.totals = self.totals.saturating_sub(lost.total.bytes());
        }
        if let Some(heard) = self.instruments.get_mut(&instrument) {
            heard.forgot = true;
        }
    }

    /// Notes that an instrument speaks, and says when the same process did before that.
    fn heard(&mut self, instrument: u128, now: Moment) -> Option<u64> {
        let heard = Heard { before: None, last: now, forgot: false };
        let heard = self.instruments.entry(instrument).or_insert(heard);
        if now.time > heard.last.time {
            (heard.before, heard.last) = (Some(heard.last), now);
        }
        let is_last = now.time == heard.last.time && !heard.forgot;
        let before = heard.before.filter(|before| is_last && before.start == now.start);
        before.map(|before| before.time)
    }

    /// Forgets streams that were not heard since.
    fn forget(&mut self, since: i64) {
        let Self { streams, instruments, totals, .. } = self;
        streams.retain(|_, stream| {
            let stays = stream.heard >= since;
            if !stays {
                *totals = totals.saturating_sub(stream.total.bytes());
                if let Some(heard) = instruments.get_mut(&stream.instrument) {
                    heard.forgot = true;
                }
            }
            stays
        });
        let since = u64::try_from(since).unwrap_or_default().saturating_mul(1_000_000_000);
        self.instruments.retain(|_, heard| heard.last.time >= since);
        if self.streams.len() < self.streams.capacity() / 4 {
            self.streams.shrink_to_fit();
            self.instruments.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests;
