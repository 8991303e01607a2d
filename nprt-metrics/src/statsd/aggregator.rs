use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nprt_core::model::{Block, BlockShape, MetricName, ServiceName};
use nprt_core::ports::{Clock, Lost};
use nprt_core::{Error, Result};

use super::key::{read_key, write_key};
use super::line::{Line, Metric, parse};
use super::pattern::Place;
use super::service::Service;
use super::services::Services;
use super::source::{Source, is_change, sources};
use super::stats::Fate;
use super::{Limits, StatsdConfig, StatsdStats, TagNames};

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

#[derive(Debug)]
struct State {
    services: Services,
    stats: StatsdStats,
    /// Written over for each line, so that a line allocates nothing where its block exists.
    key: String,
}

impl Aggregator {
    /// An aggregator that has heard nothing; `clock` gives each datagram its minute. Where `config` names no services,
    /// say by [`Aggregator::serve`] which have room.
    ///
    /// # Errors
    /// `Invalid` for a configuration without metrics, with a wrong name, or with a limit of zero.
    pub fn new(config: &StatsdConfig, clock: Arc<dyn Clock>) -> Result<Self> {
        let StatsdConfig { tags, metrics, limits, services, .. } = config;
        if metrics.is_empty() {
            return Err(
                Error::invalid("statsd.config", "expected at least one metric").with("field", "metrics")
            );
        }
        limits.check()?;
        let born = Block::minute_of(clock.now());
        let state = State {
            services: Services::new(services, limits, born.saturating_add(1)),
            stats: StatsdStats::default(),
            key: String::new(),
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
    /// what is heard of them is counted and not kept. Of a service that is new, its first full minute is the next one;
    /// where others come, one whose share gets too small for what it has loses its oldest minutes.
    pub fn serve(&self, services: &BTreeSet<ServiceName>) {
        let next = Block::minute_of(self.clock.now()).saturating_add(1);
        self.state().services.name(services, next);
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
        let state = self.state();
        let services = state.services.iter().map(|(name, of)| (name.to_owned(), of.stats().clone()));
        StatsdStats { services: services.collect(), ..state.stats.clone() }
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
        self.kept(Block::minute_of(self.clock.now())).max(self.born.saturating_add(1))
    }

    /// The first minute of the retention.
    fn kept(&self, now: i64) -> i64 {
        now.saturating_sub(i64::from(self.limits.retention_minutes))
    }

    /// The blocks of the metric at that place, of those of `minutes` that are kept and were heard in full.
    ///
    /// # Errors
    /// `Invalid` for a service that has no room.
    pub(super) fn collect(
        &self,
        index: usize,
        service: &ServiceName,
        minutes: Range<i64>,
    ) -> Result<Vec<Block>> {
        let Some((metric, _)) = self.metrics.get(index) else { return Ok(Vec::new()) };
        let start = minutes.start.max(self.first_known());
        let state = self.state();
        let Some(heard) = known(&state.services, service)? else { return Ok(Vec::new()) };
        let heard = heard.minutes(start.max(heard.since())..minutes.end);
        let blocks = heard.flat_map(|(minute, heard)| {
            heard.blocks(index).filter_map(move |(key, data)| {
                let (track, [version, pod, route]) = read_key(key)?;
                Some(Block { minute, track, version, pod, route, metric: metric.clone(), data })
            })
        });
        let mut blocks: Vec<Block> = blocks.collect();
        drop(state);
        blocks.sort_by(|a, b| a.order().cmp(&b.order()));
        Ok(blocks)
    }

    /// What of `minutes` was measured of the service, and is not in its blocks: first what is lost altogether, then the
    /// minutes in which a metric was refused, with the number of lines.
    ///
    /// # Errors
    /// `Invalid` for a service that has no room.
    pub(super) fn what_is_lost(&self, service: &ServiceName, minutes: Range<i64>) -> Result<Vec<Lost>> {
        let start = minutes.start.max(self.first_known());
        let state = self.state();
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
        for (minute, heard) in
            heard.into_iter().flat_map(|heard| heard.minutes(start.max(since)..minutes.end))
        {
            all.extend(heard.refused().map(|(metric, lines)| Lost {
                minutes: minute..minute.saturating_add(1),
                metric: self.metrics.get(metric).map(|(name, _)| name.clone()),
                lines,
            }));
        }
        Ok(all)
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
        if source.role.is_samples() && !place.class.is_empty() {
            return Fate::Failed;
        }
        let State { services, key, .. } = state;
        let kept = self.kept(minute);
        if services.get(place.service).is_none() {
            if !place.has_service() {
                return Fate::Unattributed;
            }
            services.let_in(place.service, minute, kept);
        }
        let share = services.share();
        let Some(service) = services.get_mut(place.service) else { return Fate::Unnamed };
        service.begin(minute, kept, self.metrics.len());
        // Nothing more to do for it: least of all the search below, which a flood could make a load of.
        if service.refuses(minute, source.metric) {
            return Fate::Refused;
        }
        write_key(key, track, place.version, place.pod, place.route);
        // Only a gauge that begins with a change needs to know what it was.
        let changes = source.role.is_value() && metric.values().next().is_some_and(is_change);
        let before = changes.then(|| service.last(minute, source.metric, key)).flatten();
        let readings = metric
            .values()
            .zip(metric.numbers())
            .map(|(text, number)| source.role.reading(metric, text, number, place, before));
        let added = service.add((minute, source.metric, key), readings, share, &self.limits);
        added.map_or(Fate::Refused, |()| Fate::Used)
    }
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
