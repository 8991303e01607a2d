use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nprt_core::model::{Block, BlockShape, MetricName, ServiceName};
use nprt_core::ports::Clock;
use nprt_core::{Error, Result};
use tokio::sync::Semaphore;

use super::arrivals::Arrivals;
use super::bins::Scratch;
use super::memo::Memo;
use super::seldom::Seldom;
use super::services::Services;
use super::source::{Source, sources};
use super::{Limits, StatsdConfig, StatsdStats, TagNames};

/// How many answers may be made at the same time: each may take a few megabytes.
const ANSWERS: usize = 8;

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
    /// Answers that are made at the same time, also for who waits no more.
    pub(super) answers: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) services: Services,
    pub(super) stats: StatsdStats,
    /// Written over for each line, so that a line allocates nothing where its block exists.
    pub(super) key: String,
    pub(super) scratch: Scratch,
    /// What tags stand for.
    pub(super) memo: Memo,
    /// What names without tags stand for.
    pub(super) names: Memo,
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
        limits.check()?;
        let all = all_metrics(config)?;
        let born = Block::minute_of(clock.now());
        let state = State {
            services: Services::new(services, limits, born.saturating_add(1)),
            stats: StatsdStats::default(),
            key: String::new(),
            scratch: Scratch::default(),
            memo: Memo::default(),
            names: Memo::default(),
            arrivals: Arrivals::default(),
            seldom: Seldom::default(),
            minute: born,
        };
        Ok(Self {
            born,
            clock,
            tags: tags.clone(),
            limits: limits.clone(),
            metrics: all,
            sources: sources(metrics)?,
            answers: Arc::new(Semaphore::new(ANSWERS)),
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
        let mut received = 0;
        for packet in packets {
            received += 1;
            self.lines(&mut state, now, packet);
        }
        state.stats.packets += received;
        state.arrivals.received(now, received);
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

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, with the minutes before now over.
    pub(super) fn state_now(&self) -> (MutexGuard<'_, State>, Now) {
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

/// The metrics of statsd, in their order, and those that only OTLP has.
fn all_metrics(config: &StatsdConfig) -> Result<Vec<(MetricName, BlockShape)>> {
    let invalid = |message: &str, field| Error::invalid("statsd.config", message).with("field", field);
    if config.metrics.is_empty() {
        return Err(invalid("expected at least one metric", "metrics"));
    }
    let mut all: Vec<_> =
        config.metrics.iter().map(|(name, metric)| (name.clone(), metric.shape())).collect();
    if let Some(otlp) = &config.otlp {
        otlp.check()?;
        for (name, metric) in &otlp.metrics {
            match config.metrics.get(name) {
                Some(same) if same.shape() == metric.shape() => {}
                Some(_) => {
                    let message = "expected the same shape as the metric of statsd with that name";
                    return Err(invalid(message, "otlp.metrics").with("metric", name));
                }
                None => all.push((name.clone(), metric.shape())),
            }
        }
    }
    if all.len() > 1000 {
        return Err(invalid("expected at most 1,000 metrics", "metrics"));
    }
    Ok(all)
}
