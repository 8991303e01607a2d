use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nprt_core::model::{Block, BlockShape, MetricName, ServiceName};
use nprt_core::ports::Clock;
use nprt_core::{Error, Result};

use super::line::{Kind, Line, Metric, parse};
use super::minute::{Minute, Reading, Room, read_key, write_key};
use super::pattern::{Pattern, Place};
use super::stats::Fate;
use super::{Limits, StatsdConfig, StatsdMetric, StatsdStats, TagNames, Unit};

/// Lines of statsd in, blocks out. It is the backend that [`StatsdServer`](super::StatsdServer) feeds; a
/// program that has datagrams from elsewhere feeds it by [`Aggregator::ingest`].
#[derive(Debug)]
pub struct Aggregator {
    clock: Arc<dyn Clock>,
    tags: TagNames,
    limits: Limits,
    pub(super) metrics: Vec<(MetricName, BlockShape)>,
    sources: Vec<Source>,
    /// The minute that it was made in, of which it heard only a part.
    born: i64,
    state: Mutex<State>,
}

/// A statsd metric, and what it does for the metric at that place of `metrics`.
#[derive(Debug)]
struct Source {
    pattern: Pattern,
    metric: usize,
    role: Role,
}

#[derive(Debug, Clone, Copy)]
enum Role {
    Samples(Unit),
    Value,
    Requests,
    Errors,
    Classes,
}

#[derive(Debug)]
struct State {
    minutes: BTreeMap<i64, Minute>,
    room: Room,
    stats: StatsdStats,
    /// Written over for each line, so that a line allocates nothing where its block exists.
    key: String,
}

impl Aggregator {
    /// An aggregator that has heard nothing; `clock` gives each datagram its minute.
    ///
    /// # Errors
    /// `Invalid` for a configuration without metrics, with a wrong name, or with a limit of zero.
    pub fn new(config: &StatsdConfig, clock: Arc<dyn Clock>) -> Result<Self> {
        let StatsdConfig { tags, metrics, limits, .. } = config;
        if metrics.is_empty() {
            return Err(
                Error::invalid("statsd.config", "expected at least one metric").with("field", "metrics")
            );
        }
        let Limits { retention_minutes, blocks, samples, samples_per_block, classes_per_block } = limits;
        let least = (*blocks).min(*samples).min(*samples_per_block).min(*classes_per_block);
        if *retention_minutes == 0 || least == 0 {
            return Err(Error::invalid("statsd.config", "a limit must be at least 1").with("field", "limits"));
        }
        let mut sources = Vec::new();
        for (index, (name, metric)) in metrics.iter().enumerate() {
            for (text, role) in roles(metric) {
                let pattern = Pattern::new(text).map_err(|error| error.with("metric", name))?;
                sources.push(Source { pattern, metric: index, role });
            }
        }
        Ok(Self {
            born: Block::minute_of(clock.now()),
            clock,
            tags: tags.clone(),
            limits: limits.clone(),
            metrics: metrics.iter().map(|(name, metric)| (name.clone(), metric.shape())).collect(),
            sources,
            state: Mutex::new(State {
                minutes: BTreeMap::new(),
                room: Room { blocks: *blocks, samples: *samples },
                stats: StatsdStats::default(),
                key: String::new(),
            }),
        })
    }

    /// Takes in one datagram: lines that end with `\n`. What is wrong with a line is counted and harms no
    /// other line.
    pub fn ingest(&self, packet: &[u8]) {
        let now = Block::minute_of(self.clock.now());
        let mut state = self.state();
        state.stats.packets += 1;
        for line in packet.split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.is_empty() {
                self.line(&mut state, now, line);
            }
        }
    }

    /// What was heard so far.
    #[must_use]
    pub fn stats(&self) -> StatsdStats {
        self.state().stats.clone()
    }

    pub(super) fn receive_failed(&self) {
        self.state().stats.receive_errors += 1;
    }

    pub(super) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// The first minute that was heard in full and is kept.
    pub(super) fn first_known(&self) -> i64 {
        let kept =
            Block::minute_of(self.clock.now()).saturating_sub(i64::from(self.limits.retention_minutes));
        kept.max(self.born.saturating_add(1))
    }

    /// The blocks of the metric at that place, of those of `minutes` that are kept and were heard in full.
    pub(super) fn collect(
        &self,
        index: usize,
        service: &ServiceName,
        minutes: std::ops::Range<i64>,
    ) -> Vec<Block> {
        let Some((metric, _)) = self.metrics.get(index) else { return Vec::new() };
        let start = minutes.start.max(self.first_known());
        let state = self.state();
        let heard = state.minutes.range(start..minutes.end.max(start));
        let blocks = heard.flat_map(|(&minute, heard)| {
            heard.blocks(index, service.as_str()).filter_map(move |(key, data)| {
                let (track, [version, pod, route]) = read_key(key)?;
                Some(Block { minute, track, version, pod, route, metric: metric.clone(), data })
            })
        });
        let mut blocks: Vec<Block> = blocks.collect();
        drop(state);
        blocks.sort_by(|a, b| a.order().cmp(&b.order()));
        blocks
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self, state: &mut State, minute: i64, line: &[u8]) {
        state.stats.lines += 1;
        let metric = match parse(line) {
            Ok(Line::Metric(metric)) => metric,
            Ok(Line::Event) => {
                state.stats.events += 1;
                return;
            }
            Ok(Line::ServiceCheck) => {
                state.stats.service_checks += 1;
                return;
            }
            Err(why) => {
                *state.stats.malformed.entry(why).or_default() += 1;
                tracing::debug!(?why, line = %line.escape_ascii(), "a statsd line is malformed");
                return;
            }
        };
        let by_tags = Place::by_tags(&metric, &self.tags);
        let matching = self.sources.iter().filter_map(|source| {
            let place = source.pattern.matches(metric.name, by_tags)?;
            Some((source, place))
        });
        let fate = matching.map(|(source, place)| self.add(state, minute, &metric, source, &place)).max();
        state.stats.count(fate.unwrap_or(Fate::Unmapped));
    }

    fn add(
        &self,
        state: &mut State,
        minute: i64,
        metric: &Metric<'_>,
        source: &Source,
        place: &Place<'_>,
    ) -> Fate {
        let Some(track) = place.track() else { return Fate::Unattributed };
        if !source.role.takes(metric.kind) {
            return Fate::WrongType;
        }
        if matches!(source.role, Role::Samples(_)) && !place.class.is_empty() {
            return Fate::Failed;
        }
        self.make_minute(state, minute);
        let State { minutes, room, key, .. } = state;
        // Nothing more to do for it: least of all the search below, which a flood could make a load of.
        if minutes.get(&minute).is_none_or(|heard| heard.refuses(source.metric, place.service)) {
            return Fate::Refused;
        }
        write_key(key, track, place.version, place.pod, place.route);
        // Only a gauge that begins with a change needs to know what it was.
        let changes = metric.values().next().is_some_and(is_change) && matches!(source.role, Role::Value);
        let before = changes.then(|| {
            minutes.range(..minute).rev().find_map(|(_, m)| m.last(source.metric, place.service, key))
        });
        let Some(heard) = minutes.get_mut(&minute) else { return Fate::Refused };
        let readings = metric
            .values()
            .zip(metric.numbers())
            .map(|(text, number)| source.role.reading(metric, text, number, place, before.flatten()));
        // A name that is known has been checked.
        if !heard.knows(source.metric, place.service) && !place.has_service() {
            return Fate::Unattributed;
        }
        let id = (source.metric, place.service, key.as_str());
        heard.add(id, readings, room, &self.limits).map_or(Fate::Refused, |()| Fate::Used)
    }

    /// Makes room for `minute` by dropping what is older than the retention.
    fn make_minute(&self, state: &mut State, minute: i64) {
        if state.minutes.contains_key(&minute) {
            return;
        }
        let kept = minute.saturating_sub(i64::from(self.limits.retention_minutes));
        let kept = state.minutes.split_off(&kept);
        for old in std::mem::replace(&mut state.minutes, kept).into_values() {
            state.room.blocks += old.taken().blocks;
            state.room.samples += old.taken().samples;
        }
        state.minutes.insert(minute, Minute::new(self.metrics.len()));
    }
}

fn roles(metric: &StatsdMetric) -> Vec<(&str, Role)> {
    match metric {
        StatsdMetric::Samples { name, unit } => vec![(name, Role::Samples(*unit))],
        StatsdMetric::Value { name } => vec![(name, Role::Value)],
        StatsdMetric::Requests { requests, errors } => {
            vec![(requests, Role::Requests), (errors, Role::Errors)]
        }
        StatsdMetric::Classes { name } => vec![(name, Role::Classes)],
    }
}

/// A gauge's `+3` or `-3` changes it; without a sign, the value sets it.
fn is_change(value: &str) -> bool {
    value.starts_with(['+', '-'])
}

impl Role {
    fn takes(self, kind: Kind) -> bool {
        match self {
            Self::Samples(_) => matches!(kind, Kind::Timer | Kind::Histogram | Kind::Distribution),
            Self::Value => kind == Kind::Gauge,
            Self::Requests | Self::Errors | Self::Classes => kind == Kind::Counter,
        }
    }

    fn reading<'a>(
        self,
        metric: &Metric<'_>,
        text: &str,
        number: f64,
        place: &Place<'a>,
        before: Option<f64>,
    ) -> Reading<'a> {
        let count = number / metric.rate;
        match self {
            Self::Samples(_) if metric.kind == Kind::Timer => {
                Reading::Sample(number / Unit::Milliseconds.per_second())
            }
            Self::Samples(unit) => Reading::Sample(number / unit.per_second()),
            Self::Value if is_change(text) => Reading::Change(number, before),
            Self::Value => Reading::Gauge(number),
            Self::Requests => Reading::Requests(count),
            Self::Errors => Reading::Errors(count),
            Self::Classes if place.class.is_empty() => Reading::Class("unclassified", count),
            Self::Classes => Reading::Class(place.class, count),
        }
    }
}
