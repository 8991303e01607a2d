use std::collections::VecDeque;
use std::ops::Range;

use nprt_core::model::Track;

use super::bins::Scratch;
use super::gathered::{Gathered, Reading, Stop};
use super::minute::{Closed, Open};
use super::packed::pack;
use super::series::{AllSeries, BLOCK};
use super::{Reason, ServiceStats};

/// What was heard of one service.
#[derive(Debug)]
pub(super) struct Service {
    name: Box<str>,
    series: AllSeries,
    open: Option<Open>,
    /// Those that are over, in order.
    closed: VecDeque<(i64, Closed)>,
    /// Bytes of the blocks of the minute that runs.
    open_bytes: usize,
    closed_bytes: usize,
    /// Bytes that are kept of it beside its minutes, by who reads another protocol.
    pub(super) elsewhere: usize,
    /// Bytes that were counted as taken last.
    pub(super) counted: usize,
    /// The first minute that is known: what was measured before is lost.
    since: i64,
    stats: ServiceStats,
}

/// A value of a line: itself, or by how much it changes a gauge.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Is(Reading<'a>),
    Changes(f64),
}

impl<'a> Value<'a> {
    /// What it is, where the gauge had the value `base`.
    fn read(self, base: &mut Option<f64>) -> Result<Reading<'a>, Reason> {
        let reading = match self {
            Self::Is(reading) => reading,
            Self::Changes(by) => Reading::Gauge(base.ok_or(Reason::NoBase)? + by),
        };
        if let Reading::Gauge(value) = reading {
            *base = Some(value);
        }
        Ok(reading)
    }
}

impl Service {
    /// One of which nothing was heard, and is known from that minute on.
    pub(super) fn new(name: &str, since: i64) -> Self {
        Self {
            name: name.into(),
            series: AllSeries::default(),
            open: None,
            closed: VecDeque::new(),
            open_bytes: 0,
            closed_bytes: 0,
            elsewhere: 0,
            counted: 0,
            since,
            stats: ServiceStats::default(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn since(&self) -> i64 {
        self.since
    }

    /// Bytes that all of it takes.
    pub(super) fn taken(&self) -> usize {
        self.open_bytes + self.closed_bytes + self.series.bytes() + self.elsewhere
    }

    pub(super) fn stats(&self) -> ServiceStats {
        ServiceStats { bytes: self.taken() as u64, ..self.stats.clone() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.closed.is_empty() && self.open.is_none()
    }

    pub(super) fn series(&self) -> &AllSeries {
        &self.series
    }

    /// The minutes of the range that are over.
    pub(super) fn minutes(&self, range: Range<i64>) -> impl Iterator<Item = (i64, &Closed)> {
        let heard = self.closed.iter().filter(move |(minute, _)| range.contains(minute));
        heard.map(|(minute, closed)| (*minute, closed))
    }

    /// The minute that runs: bytes that it takes, and which metric takes the most.
    pub(super) fn greediest(&self) -> Option<(usize, u16)> {
        self.open.as_ref().and_then(|open| Some((open.taken, open.greediest()?)))
    }

    /// Whether the metric is refused for the rest of `minute`; if so, that is one line more.
    pub(super) fn refuses(&mut self, minute: i64, metric: u16, metrics: usize) -> bool {
        let open = self.open.get_or_insert_with(|| Open::new(minute, metrics));
        let refuses = open.refuses(metric);
        if refuses {
            self.stats.refused = self.stats.refused.saturating_add(1);
        }
        refuses
    }

    /// Counts a line that cost itself.
    pub(super) fn leave_out(
        &mut self,
        (minute, metric): (i64, u16),
        track: Option<Track>,
        reason: Reason,
        metrics: usize,
    ) {
        let open = self.open.get_or_insert_with(|| Open::new(minute, metrics));
        open.leave_out(metric, track, reason);
        let count = self.stats.left_out.entry(reason).or_default();
        *count = count.saturating_add(1);
    }

    /// The series of that key, and about how many bytes a new one takes.
    pub(super) fn find(&mut self, key: &str) -> (u32, usize) {
        self.series.find(key)
    }

    /// Adds the values of a line to a block, all of them or none; `new` bytes are those of a new series. Says whether it takes
    /// more room now.
    pub(super) fn add<'a>(
        &mut self,
        (id, new): (u32, usize),
        metric: u16,
        values: impl Iterator<Item = Value<'a>> + Clone,
        most_classes: usize,
        scratch: &mut Scratch,
    ) -> Result<bool, Stop> {
        let mut bytes = 0;
        let added = self.add_to(id, metric, values, most_classes, scratch, &mut bytes);
        self.open_bytes += bytes;
        if added.is_ok() {
            bytes += new;
        } else {
            // A series that was only tried is none, and takes nothing.
            self.series.forget_empty(id);
        }
        if bytes > 0
            && let Some(open) = &mut self.open
        {
            open.take(metric, bytes);
        }
        added.map(|()| bytes > 0)
    }

    fn add_to<'a>(
        &mut self,
        id: u32,
        metric: u16,
        values: impl Iterator<Item = Value<'a>> + Clone,
        most_classes: usize,
        scratch: &mut Scratch,
        bytes: &mut usize,
    ) -> Result<(), Stop> {
        let Some(series) = self.series.get_mut(id) else { return Err(Stop::Limit) };
        let mut base = series.base(metric);
        for value in values.clone() {
            value.read(&mut base).and_then(|reading| reading.check().map(|()| reading)).map_err(Stop::Bad)?;
        }
        let mut base = series.base(metric);
        for value in values {
            let reading = value.read(&mut base).map_err(Stop::Bad)?;
            if series.open(metric).is_none() {
                series.begin(metric, Gathered::empty(reading));
                *bytes += BLOCK;
            }
            let Some(gathered) = series.open(metric) else { return Err(Stop::Limit) };
            *bytes += gathered.add(reading, most_classes, scratch)?;
        }
        if let Some(base) = base {
            self.series.set_base(id, metric, base);
        }
        Ok(())
    }

    /// Ends the minute that runs if it is before `now`, and forgets those before `kept`.
    pub(super) fn roll(&mut self, now: i64, kept: i64, scratch: &mut Scratch) {
        if self.open.as_ref().is_some_and(|open| open.minute < now) {
            self.close(scratch);
        }
        while self.closed.front().is_some_and(|(oldest, _)| *oldest < kept) {
            self.drop_oldest();
        }
    }

    fn close(&mut self, scratch: &mut Scratch) {
        let Some(open) = self.open.take() else { return };
        let mut packed = vec![Vec::new(); open.groups.len()];
        for (id, series) in self.series.iter_mut() {
            for (metric, mut gathered) in std::mem::take(&mut series.open) {
                if let Some(to) = packed.get_mut(usize::from(metric)) {
                    pack(to, id, &mut gathered, scratch);
                }
            }
        }
        let minute = open.minute;
        let closed = Closed::new(open, packed);
        self.open_bytes = 0;
        self.closed_bytes += closed.bytes();
        self.closed.push_back((minute, closed));
    }

    /// Forgets the oldest minute that is over, and says which one it was.
    fn drop_oldest(&mut self) -> Option<i64> {
        let (minute, closed) = self.closed.pop_front()?;
        closed.series().for_each(|id| self.series.lose_block(id));
        self.series.shrink();
        self.closed_bytes = self.closed_bytes.saturating_sub(closed.bytes());
        Some(minute)
    }

    /// Gives up its oldest minute before the retention is over; `false` where none is over.
    pub(super) fn give_up_oldest(&mut self) -> bool {
        let Some(minute) = self.drop_oldest() else { return false };
        self.since = self.since.max(minute.saturating_add(1));
        self.stats.minutes_dropped = self.stats.minutes_dropped.saturating_add(1);
        true
    }

    /// Refuses a metric for the rest of the minute that runs, and gives back what it took.
    pub(super) fn refuse(&mut self, metric: u16) {
        let Some(open) = &mut self.open else { return };
        open.refuse(metric);
        let mut given = 0;
        let mut empty = Vec::new();
        for (id, series) in self.series.iter_mut() {
            if let Some(gathered) = series.take(metric) {
                given += BLOCK + gathered.bytes();
                series.blocks = series.blocks.saturating_sub(1);
                if series.blocks == 0 {
                    empty.push(id);
                }
            }
        }
        empty.into_iter().for_each(|id| self.series.forget_empty(id));
        self.series.shrink();
        self.open_bytes = self.open_bytes.saturating_sub(given);
    }
}
