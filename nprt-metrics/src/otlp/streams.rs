//! What streams of cumulative temporality said last, so that what was added since is known.
#![expect(
    clippy::disallowed_types,
    reason = "streams are looked up by their identity, and no order of theirs is ever seen"
)]

use std::collections::{BTreeMap, HashMap};

use foldhash::quality::RandomState;

use super::added::{Added, Stream, Unknown, first, next};
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
    before: Option<u64>,
    last: u64,
    /// A stream of it was forgotten: one that is new may be that, and did not begin at zero.
    forgot: bool,
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
        let before = self.heard(instrument, time);
        let Some(last) = self.streams.get_mut(&stream) else {
            let added = first(start, time, before, &total);
            self.totals += total.bytes();
            self.streams.insert(stream, Stream { instrument, start, time, heard: now, total });
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

    /// Notes that an instrument speaks, and says when it did before that.
    fn heard(&mut self, instrument: u128, time: u64) -> Option<u64> {
        let heard = Heard { before: None, last: time, forgot: false };
        let heard = self.instruments.entry(instrument).or_insert(heard);
        if time > heard.last {
            (heard.before, heard.last) = (Some(heard.last), time);
        }
        heard.before.filter(|_| time == heard.last && !heard.forgot)
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
        self.instruments.retain(|_, heard| heard.last >= since);
        if self.streams.len() < self.streams.capacity() / 4 {
            self.streams.shrink_to_fit();
            self.instruments.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statsd::Reason;

    const SECOND: u64 = 1_000_000_000;
    const ROOM: usize = 1 << 20;

    /// Seconds after a moment of that day: start, time and number.
    fn told(stream: u128, start: u64, time: u64, number: f64) -> Told {
        let at = |second: u64| (1_700_000_000 + second) * SECOND;
        let start = if start == 0 { 0 } else { at(start) };
        Told { instrument: 1, stream, start, time: at(time), total: Total::Number(number) }
    }

    fn say(streams: &mut Streams, told: Told) -> Result<Option<f64>, Reason> {
        let now = i64::try_from(told.time / SECOND).unwrap();
        match streams.told("shop", told, ROOM, now) {
            Ok(added) => Ok(added.map(|added| added.total.count())),
            Err(Unknown::LeftOut(reason)) => Err(reason),
            Err(Unknown::NoRoom) => panic!("no room"),
        }
    }

    #[test]
    fn totals_become_what_was_added() {
        let mut streams = Streams::default();
        let mut said = |stream, start, time, number| say(&mut streams, told(stream, start, time, number));
        assert_eq!(said(1, 1000, 1060, 7.0), Ok(Some(7.0)));
        assert_eq!(said(1, 1000, 1120, 9.0), Ok(Some(2.0)));
        // Sent again, and an older one.
        assert_eq!([said(1, 1000, 1120, 9.0), said(1, 1000, 1100, 8.0)], [Ok(None), Ok(None)]);
        assert_eq!(said(1, 1000, 1180, 9.0), Ok(Some(0.0)));
        // A restart, and one that is heard of too late.
        assert_eq!(said(1, 1190, 1240, 3.0), Ok(Some(3.0)));
        assert_eq!(said(1, 1300, 1400, 3.0), Err(Reason::Resolution));
        assert_eq!(said(1, 1300, 1460, 5.0), Ok(Some(2.0)));
        // A pause.
        assert_eq!(said(1, 1300, 1600, 50.0), Err(Reason::Resolution));
        assert_eq!(said(1, 1300, 1660, 51.0), Ok(Some(1.0)));
        // It became less, without a restart.
        assert_eq!(said(1, 1300, 1720, 3.0), Err(Reason::Contradictory));
        assert_eq!(said(1, 1300, 1780, 4.0), Ok(Some(1.0)));
    }

    #[test]
    fn a_stream_that_was_running_is_a_base_and_a_new_one_beside_it_began_at_zero() {
        let mut streams = Streams::default();
        let mut said = |stream, start, time, number| say(&mut streams, told(stream, start, time, number));
        assert_eq!(said(1, 100, 1000, 700.0), Err(Reason::NoBase));
        assert_eq!(said(2, 100, 1000, 70.0), Err(Reason::NoBase));
        assert_eq!(said(1, 100, 1060, 701.0), Ok(Some(1.0)));
        // The first error of this process: a minute ago there was none.
        assert_eq!(said(3, 100, 1060, 2.0), Ok(Some(2.0)));
        assert_eq!(said(2, 100, 1060, 73.0), Ok(Some(3.0)));
        // Without a start, and with one that is made up.
        assert_eq!(said(4, 0, 1120, 5.0), Ok(Some(5.0)));
        assert_eq!(said(5, 1180, 1180, 5.0), Ok(Some(5.0)));
        assert_eq!(said(4, 0, 1180, 3.0), Ok(Some(3.0)));
    }

    #[test]
    fn a_stream_that_was_forgotten_does_not_begin_at_zero_again() {
        let mut streams = Streams::default();
        let mut said = |stream, time, number| say(&mut streams, told(stream, 1000, time, number));
        assert_eq!([said(1, 1060, 7.0), said(2, 1060, 7.0)], [Ok(Some(7.0)), Ok(Some(7.0))]);
        for minute in 2..=14 {
            assert_eq!(said(1, 1000 + minute * 60, 7.0), Ok(Some(0.0)));
        }
        assert_eq!(said(2, 1900, 9.0), Err(Reason::NoBase));
        assert_eq!(said(2, 1960, 10.0), Ok(Some(1.0)));
    }

    #[test]
    fn of_two_producers_of_a_stream_the_younger_is_believed() {
        let mut streams = Streams::default();
        let mut said = |start, time, number| say(&mut streams, told(1, start, time, number));
        assert_eq!(said(1000, 1060, 7.0), Ok(Some(7.0)));
        assert_eq!(said(1010, 1065, 70.0), Err(Reason::Contradictory));
        assert_eq!(said(1000, 1070, 8.0), Err(Reason::Contradictory));
        assert_eq!(said(1010, 1075, 75.0), Ok(Some(5.0)));
        // The younger one is gone.
        assert_eq!(said(1000, 1170, 12.0), Err(Reason::Contradictory));
        assert_eq!(said(1000, 1230, 13.0), Ok(Some(1.0)));
    }

    #[test]
    fn streams_that_are_heard_keep_their_room() {
        let mut streams = Streams::default();
        let bytes = |streams: &mut Streams| {
            let all = std::cell::Cell::new(0);
            streams.settle(|_, bytes| {
                all.set(bytes);
                true
            });
            all.get()
        };
        let share = 400 * 1024;
        let mut kept = 0;
        for stream in 0..20_000 {
            let said = streams.told("shop", told(stream, 0, 1000, 1.0), share, 1_700_001_000);
            if said == Err(Unknown::LeftOut(Reason::NoBase)) {
                kept = stream + 1;
            }
        }
        assert!((200..10_000).contains(&kept), "{kept}");
        assert!(bytes(&mut streams) <= share / PART, "{}", bytes(&mut streams));
        let again = streams.told("shop", told(0, 0, 1060, 3.0), share, 1_700_001_060);
        assert_eq!(again.unwrap().unwrap().total, Total::Number(2.0));
        // Later those that fell silent make way.
        let new = streams.told("shop", told(30_000, 1990, 2000, 3.0), share, 1_700_002_000);
        assert_eq!(new.unwrap().unwrap().total, Total::Number(3.0));
        assert!(bytes(&mut streams) < 10_000);
        streams.settle(|_, _| false);
        assert_eq!(bytes(&mut streams), 0);
    }
}
