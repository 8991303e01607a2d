use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nprt_core::model::{Block, BlockData, BlockShape, MetricName, ServiceName};
use nprt_core::ports::{Clock, LeftOutReason, Lost, Measured};
use nprt_core::{Error, Result};

use super::arrivals::Arrivals;
use super::bins::Scratch;
use super::key::read_key;
use super::memo::Memo;
use super::minute::Closed;
use super::seldom::Seldom;
use super::service::Service;
use super::services::Services;
use super::source::{Source, sources};
use super::{Limits, StatsdConfig, StatsdStats, TagNames};

/// Lines of statsd in, blocks out. It is the backend that [`StatsdServer`](super::StatsdServer) feeds; a
/// program that has datagrams from elsewhere feeds it by [`Aggregator::ingest`].
#[derive(Debug)]
pub struct Aggregator {
    clock: Arc<dyn Clock>,
    pub(super) tags: TagNames,
    pub(super) limits: Limits,
    pub(super) metrics: Vec<(MetricName, BlockShape)>,
    pub(super) sources: Vec<Source>,
    /// The minute that it was made in, of which it heard only a part.
    born: i64,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) services: Services,
    pub(super) stats: StatsdStats,
    /// Written over for each line, so that a line allocates nothing where its block exists.
    pub(super) key: String,
    pub(super) scratch: Scratch,
    pub(super) memo: Memo,
    pub(super) arrivals: Arrivals,
    /// When one that was left out may be logged.
    pub(super) seldom: Seldom,
    /// The minute that runs.
    minute: i64,
}

/// When something arrives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    /// Since 1970.
    pub(super) second: i64,
    pub(super) minute: i64,
}

impl Aggregator {
    /// An aggregator that has heard nothing; `clock` gives each datagram its minute. Where `config` names no services,
    /// say by [`Aggregator::serve`] which have room.
    ///
    /// # Errors
    /// `Invalid` for a configuration without metrics, with a wrong name, or with a limit of zero.
    pub fn new(config: &StatsdConfig, clock: Arc<dyn Clock>) -> Result<Self> {
        let StatsdConfig { tags, metrics, limits, services, .. } = config;
        let invalid = |message| Error::invalid("statsd.config", message).with("field", "metrics");
        if metrics.is_empty() {
            return Err(invalid("expected at least one metric"));
        }
        if metrics.len() > 1000 {
            return Err(invalid("expected at most 1,000 metrics"));
        }
        limits.check()?;
        let born = Block::minute_of(clock.now());
        let state = State {
            services: Services::new(services, limits, born.saturating_add(1)),
            stats: StatsdStats::default(),
            key: String::new(),
            scratch: Scratch::default(),
            memo: Memo::default(),
            arrivals: Arrivals::default(),
            seldom: Seldom::default(),
            minute: born,
        };
        Ok(Self {
            born,
            clock,
            tags: tags.clone(),
            limits: limits.clone(),
            metrics: metrics.iter().map(|(name, metric)| (name.clone(), metric.shape())).collect(),
            sources: sources(metrics)?,
            state: Mutex::new(state),
        })
    }

    /// From now on these services have room, in equal shares, and no others: what was heard of others is forgotten, and
    /// what is heard of them is counted and not kept. Of a service that is new, its first full minute is the next one.
    pub fn serve(&self, services: &BTreeSet<ServiceName>) {
        let next = Block::minute_of(self.clock.now()).saturating_add(1);
        self.state().services.name(services, next);
    }

    /// Takes in one datagram: lines that end with `\n`. What is wrong with a line is counted and harms no
    /// other line.
    pub fn ingest(&self, packet: &[u8]) {
        self.ingest_all([packet]);
    }

    /// Takes in datagrams that arrived together.
    pub fn ingest_all<'a>(&self, packets: impl IntoIterator<Item = &'a [u8]>) {
        let (mut state, now) = self.state_now();
        for packet in packets {
            state.stats.packets += 1;
            state.arrivals.received(now);
            self.lines(&mut state, now, packet);
        }
    }

    /// What was heard so far.
    #[must_use]
    pub fn stats(&self) -> StatsdStats {
        let state = self.state();
        let services = state.services.iter().map(|of| (of.name().to_owned(), of.stats()));
        StatsdStats { services: services.collect(), ..state.stats.clone() }
    }

    pub(super) fn receive_failed(&self) {
        self.state().stats.receive_errors += 1;
    }

    /// The kernel dropped so many datagrams in the last second.
    pub(super) fn dropped(&self, datagrams: u64) {
        let (mut state, now) = self.state_now();
        state.stats.dropped = state.stats.dropped.saturating_add(datagrams);
        state.arrivals.dropped(now, datagrams);
        if let Some(others) = state.seldom.now(now.second) {
            tracing::warn!(datagrams, others, "the kernel dropped statsd datagrams: its buffer was full");
        }
    }

    pub(super) fn forwarded(&self, sent: u64, failed: u64) {
        let mut state = self.state();
        state.stats.forwarded = state.stats.forwarded.saturating_add(sent);
        state.stats.not_forwarded = state.stats.not_forwarded.saturating_add(failed);
    }

    pub(super) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// The first minute that was heard in full and is kept.
    pub(super) fn first_known(&self) -> i64 {
        self.kept(Block::minute_of(self.clock.now())).max(self.born.saturating_add(1))
    }

    /// The first minute of the retention.
    fn kept(&self, now: i64) -> i64 {
        now.saturating_sub(i64::from(self.limits.retention_minutes))
    }

    /// The blocks of the metric at that place, of those of `minutes` that are kept and were heard in full, and what is not
    /// in them.
    ///
    /// # Errors
    /// `Invalid` for a service that has no room.
    pub(super) fn collect(
        &self,
        index: usize,
        service: &ServiceName,
        minutes: Range<i64>,
    ) -> Result<Measured> {
        let mut measured = Measured::default();
        measured.evidence.resolution = Duration::from_secs(60);
        let Some((metric, _)) = self.metrics.get(index) else { return Ok(measured) };
        let start = minutes.start.max(self.first_known());
        let (state, _) = self.state_now();
        let Some(heard) = known(&state.services, service)? else { return Ok(measured) };
        let range = start.max(heard.since())..minutes.end;
        for (minute, closed) in heard.minutes(range.clone()) {
            for packed in closed.blocks(number(index)) {
                let series = heard.series().get(packed.series);
                let Some((track, [version, pod, route])) = series.and_then(|series| read_key(&series.key))
                else {
                    continue;
                };
                let Some((data, error)) = packed.data(self.limits.samples_per_block) else { continue };
                let points = if let BlockData::Samples(samples) = &data { samples.len() as u64 } else { 1 };
                measured.evidence.points = measured.evidence.points.saturating_add(points);
                let before = measured.evidence.quantile_error;
                measured.evidence.quantile_error = before.into_iter().chain(error).reduce(f64::max);
                measured.blocks.push(Block {
                    minute,
                    track,
                    version,
                    pod,
                    route,
                    metric: metric.clone(),
                    data,
                });
            }
            for ((of, track, reason), lines) in &closed.left_out {
                if *of == number(index) {
                    measured.leave_out(LeftOutReason::from(*reason), minute, *track, *lines);
                    measured.evidence.points = measured.evidence.points.saturating_add(*lines);
                }
            }
        }
        missing(&state.arrivals, range, &mut measured);
        drop(state);
        measured.blocks.sort_by(|a, b| a.order().cmp(&b.order()));
        Ok(measured)
    }

    /// What of `minutes` was measured of the service, and is not in its blocks: first what is lost altogether, then the
    /// minutes in which a metric was refused, with the number of lines.
    ///
    /// # Errors
    /// `Invalid` for a service that has no room.
    pub(super) fn what_is_lost(&self, service: &ServiceName, minutes: Range<i64>) -> Result<Vec<Lost>> {
        let start = minutes.start.max(self.first_known());
        let (state, _) = self.state_now();
        let since = match known(&state.services, service)? {
            Some(heard) => heard.since(),
            None if state.services.turned_away() => i64::MAX,
            None => i64::MIN,
        };
        let mut all = Vec::new();
        let lost = start..since.min(minutes.end);
        if !lost.is_empty() {
            all.push(Lost { minutes: lost, metric: None, lines: 0 });
        }
        let heard = state.services.get(service.as_str());
        let heard = heard.into_iter().flat_map(|heard| heard.minutes(start.max(since)..minutes.end));
        for (minute, closed) in heard {
            all.extend(self.refused(minute, closed));
        }
        Ok(all)
    }

    fn refused(&self, minute: i64, closed: &Closed) -> impl Iterator<Item = Lost> {
        closed.refused().map(move |(metric, lines)| Lost {
            minutes: minute..minute.saturating_add(1),
            metric: self.metrics.get(metric).map(|(name, _)| name.clone()),
            lines,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, with the minutes before now over.
    fn state_now(&self) -> (MutexGuard<'_, State>, Now) {
        let second = self.clock.now().as_second();
        let mut state = self.state();
        // A clock that is set back begins no minute again.
        let minute = second.div_euclid(60).max(state.minute);
        if minute > state.minute {
            let (kept, State { services, scratch, arrivals, .. }) = (self.kept(minute), &mut *state);
            services.roll(minute, kept, scratch);
            arrivals.forget_before(kept);
            state.minute = minute;
        }
        (state, Now { second, minute })
    }
}

/// Says what the kernel dropped: nobody knows whose datagrams they were, so that each service misses the same part.
fn missing(arrivals: &Arrivals, minutes: Range<i64>, measured: &mut Measured) {
    let (mut dropped, mut received) = (0_u64, 0_u64);
    for (minute, arrived) in arrivals.with_drops(minutes) {
        dropped = dropped.saturating_add(arrived.dropped);
        received = received.saturating_add(arrived.received);
        let first = measured.blocks.partition_point(|block| block.minute < minute);
        let of_minute = measured.blocks.iter().skip(first).take_while(|block| block.minute == minute);
        let points = |block: &Block| match &block.data {
            BlockData::Samples(samples) => samples.len() as u64,
            _ => 1,
        };
        let points = of_minute.map(points).sum();
        measured.leave_out(LeftOutReason::NoRoom, minute, None, arrived.missing(points));
    }
    if dropped > 0 {
        let share = 100.0 * dropped as f64 / dropped.saturating_add(received) as f64;
        measured.note(&format!(
            "the kernel dropped {dropped} statsd datagrams ({share:.2}%) in these minutes, because the server was too slow to take them"
        ));
    }
}

/// A metric's place, as it is kept; there are 1,000 at the most.
pub(super) fn number(metric: usize) -> u16 {
    u16::try_from(metric).unwrap_or(u16::MAX)
}

/// A service; `None` where it may have room and nothing was heard of it.
fn known<'a>(services: &'a Services, name: &ServiceName) -> Result<Option<&'a Service>> {
    match (services.get(name.as_str()), services.named()) {
        (None, Some(named)) => {
            let message = "this statsd server keeps nothing of the service: name it among its services";
            Err(Error::invalid("statsd.blocks", message).with("service", name).with_available(named))
        }
        (heard, _) => Ok(heard),
    }
}
