use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use nprt_core::model::{Block, BlockData, BlockShape, MetricName, ServiceName, Track};
use nprt_core::ports::{
    AnswerEvidence, Clock, LeftOut, LeftOutReason, Measured, MetricQuery, MetricsBackend,
    MetricsCapabilities, no_such_metric,
};
use nprt_core::{Error, Result};

/// Metrics in memory. A test records what happened; [`MetricsBackend::blocks`] answers with it by the
/// contract, the minute that still runs on `clock` left out.
///
/// It knows the five metrics that every backend has (latency as samples); [`MemoryMetrics::with_metric`]
/// adds others. Clones share what was recorded.
///
/// ```
/// use std::sync::Arc;
/// use nprt_core::clock::SystemClock;
/// use nprt_memory::{MemoryMetrics, Origin};
/// use nprt_core::model::{BlockData, ServiceName, Track};
///
/// let metrics = MemoryMetrics::new(Arc::new(SystemClock));
/// let shop = ServiceName::new("shop")?;
/// let canary = Origin::new(Track::Canary).version("main-3f2a91c").pod("shop-canary-x");
/// metrics.record(&shop, "latency", "2026-11-23T10:00:07Z".parse().unwrap(), &canary,
///     BlockData::Samples(vec![0.012, 0.034]))?;
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MemoryMetrics {
    clock: Arc<dyn Clock>,
    metrics: BTreeMap<MetricName, BlockShape>,
    recorded: Arc<Mutex<Recorded>>,
}

/// What was recorded, and since when that is known.
#[derive(Debug)]
struct Recorded {
    series: BTreeMap<(ServiceName, MetricName), Series>,
    left_out: BTreeMap<(ServiceName, MetricName), Vec<LeftOut>>,
    since: Timestamp,
}

impl Recorded {
    fn new() -> Self {
        Self { series: BTreeMap::new(), left_out: BTreeMap::new(), since: Timestamp::MIN }
    }
}

/// Data by what distinguishes blocks, in the order that an answer has.
type Series = BTreeMap<(i64, Origin), BlockData>;

/// Where something was measured.
// The order of the fields is the order in which blocks are sorted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    track: Track,
    pod: Option<String>,
    route: Option<String>,
    version: Option<String>,
}

impl Origin {
    /// On `track`, with no version, pod or route.
    #[must_use]
    pub fn new(track: Track) -> Self {
        Self { track, version: None, pod: None, route: None }
    }

    /// The version that ran.
    #[must_use]
    pub fn version(self, version: impl Into<String>) -> Self {
        Self { version: Some(version.into()), ..self }
    }

    /// The pod.
    #[must_use]
    pub fn pod(self, pod: impl Into<String>) -> Self {
        Self { pod: Some(pod.into()), ..self }
    }

    /// The route of the requests.
    #[must_use]
    pub fn route(self, route: impl Into<String>) -> Self {
        Self { route: Some(route.into()), ..self }
    }
}

impl MemoryMetrics {
    /// Nothing recorded yet; `clock` decides which minutes are complete.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let known = [
            (MetricName::LATENCY, BlockShape::Samples),
            (MetricName::CPU, BlockShape::Value),
            (MetricName::MEMORY, BlockShape::Value),
            (MetricName::REQUESTS, BlockShape::Requests),
            (MetricName::ERRORS, BlockShape::Classes),
        ];
        let metrics =
            known.into_iter().filter_map(|(name, shape)| Some((MetricName::new(name).ok()?, shape)));
        Self { clock, metrics: metrics.collect(), recorded: Arc::new(Mutex::new(Recorded::new())) }
    }

    /// Adds a metric, or gives a known one another shape.
    #[must_use]
    pub fn with_metric(mut self, metric: MetricName, shape: BlockShape) -> Self {
        self.metrics.insert(metric, shape);
        self
    }

    /// Is configured for these of its metrics alone.
    #[must_use]
    pub fn only(mut self, metrics: &[&str]) -> Self {
        self.metrics.retain(|metric, _| metrics.contains(&metric.as_str()));
        self
    }

    /// Records `data` at `at`. More of the same minute and origin is added to it: samples and counts
    /// accumulate, and of values the last one counts.
    ///
    /// # Errors
    /// `NotConfigured` for an unknown metric; `Invalid` for data of another shape than the metric's, with edges
    /// that do not ascend or differ from those recorded before, or not finite.
    pub fn record(
        &self,
        service: &ServiceName,
        metric: &str,
        at: Timestamp,
        origin: &Origin,
        data: BlockData,
    ) -> Result<()> {
        let metric = MetricName::new(metric)?;
        let shape = self.shape(&metric)?;
        let invalid = |message: &str| Error::invalid("metrics.record", message).with("metric", &metric);
        if data.shape() != shape {
            return Err(invalid("the metric has another shape").with("expected", format_args!("{shape:?}")));
        }
        check(&data).map_err(invalid)?;
        let mut recorded = self.recorded();
        let series = recorded.series.entry((service.clone(), metric.clone())).or_default();
        match series.get_mut(&(Block::minute_of(at), origin.clone())) {
            Some(before) => add(before, data).map_err(invalid)?,
            None => {
                series.insert((Block::minute_of(at), origin.clone()), data);
            }
        }
        Ok(())
    }

    /// Says of so many points at `at` that they were there and cannot be used.
    ///
    /// # Errors
    /// `NotConfigured` for an unknown metric.
    pub fn leave_out(
        &self,
        service: &ServiceName,
        metric: &str,
        at: Timestamp,
        track: Option<Track>,
        (reason, points): (LeftOutReason, u64),
    ) -> Result<()> {
        let metric = MetricName::new(metric)?;
        self.shape(&metric)?;
        let left_out = LeftOut { reason, minute: Some(Block::minute_of(at)), track, points };
        self.recorded().left_out.entry((service.clone(), metric)).or_default().push(left_out);
        Ok(())
    }

    /// Forgets all that was recorded so far, as a server that keeps it in memory alone does when it is started anew:
    /// what is recorded from the next minute on is known.
    pub fn forget(&self) {
        let next = Block::minute_of(self.clock.now()).saturating_add(1);
        let since = Timestamp::from_second(next.saturating_mul(60)).unwrap_or(Timestamp::MAX);
        *self.recorded() = Recorded { since, ..Recorded::new() };
    }

    fn recorded(&self) -> MutexGuard<'_, Recorded> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shape(&self, metric: &MetricName) -> Result<BlockShape> {
        self.metrics
            .get(metric)
            .copied()
            .ok_or_else(|| no_such_metric("metrics.blocks", metric, self.metrics.keys()))
    }
}

/// Numbers are finite, edges ascend, and there is one count more than there are edges.
fn check(data: &BlockData) -> Result<(), &'static str> {
    let finite = match data {
        BlockData::Samples(samples) => samples.iter().all(|sample| sample.is_finite()),
        BlockData::Value(value) => value.is_finite(),
        BlockData::Histogram { edges, counts } => {
            if counts.len() != edges.len() + 1 || edges.windows(2).any(|pair| pair[0] >= pair[1]) {
                return Err("expected ascending edges and one count more than edges");
            }
            edges.iter().all(|edge| edge.is_finite())
        }
        BlockData::Requests { requests, errors } if errors > requests => {
            return Err("more errors than requests");
        }
        BlockData::Requests { .. } | BlockData::Classes(_) => true,
    };
    if finite { Ok(()) } else { Err("expected finite numbers") }
}

fn add(recorded: &mut BlockData, data: BlockData) -> Result<(), &'static str> {
    match (recorded, data) {
        (BlockData::Samples(all), BlockData::Samples(more)) => all.extend(more),
        (BlockData::Value(last), BlockData::Value(value)) => *last = value,
        (BlockData::Requests { requests, errors }, BlockData::Requests { requests: r, errors: e }) => {
            *requests = requests.saturating_add(r);
            *errors = errors.saturating_add(e);
        }
        (BlockData::Classes(all), BlockData::Classes(more)) => {
            for (class, count) in more {
                let all = all.entry(class).or_default();
                *all = all.saturating_add(count);
            }
        }
        (BlockData::Histogram { edges, counts }, BlockData::Histogram { edges: same, counts: more })
            if *edges == same =>
        {
            counts.iter_mut().zip(more).for_each(|(count, more)| *count = count.saturating_add(more));
        }
        _ => return Err("the edges differ from those recorded before"),
    }
    Ok(())
}

/// What is in memory is whole: samples as they were recorded.
fn evidence(measured: &Measured, query: &MetricQuery) -> AnswerEvidence {
    let points = measured.blocks.iter().map(|block| match &block.data {
        BlockData::Samples(samples) => samples.len() as u64,
        _ => 1,
    });
    let left_out = measured.left_out.iter().map(|left_out| left_out.points);
    AnswerEvidence {
        queries: vec![format!("{}/{}", query.service, query.metric)],
        points: points.chain(left_out).fold(0, u64::saturating_add),
        resolution: Duration::from_secs(60),
        ..AnswerEvidence::default()
    }
}

#[async_trait]
impl MetricsBackend for MemoryMetrics {
    fn capabilities(&self) -> MetricsCapabilities {
        MetricsCapabilities {
            metrics: Some(self.metrics.keys().cloned().collect()),
            shapes: self.metrics.values().copied().collect(),
            history: false,
            pods: true,
            routes: true,
        }
    }

    async fn blocks(&self, query: &MetricQuery) -> Result<Measured> {
        self.shape(&query.metric)?;
        let minutes = query.range.complete_minutes(self.clock.now());
        let (recorded, key) = (self.recorded(), (query.service.clone(), query.metric.clone()));
        let series = recorded.series.get(&key);
        let found = series.into_iter().flatten().filter(|((minute, _), _)| minutes.contains(minute));
        let blocks: Vec<Block> = found
            .map(|((minute, origin), data)| Block {
                minute: *minute,
                track: origin.track,
                version: origin.version.clone(),
                pod: origin.pod.clone(),
                route: origin.route.clone(),
                metric: query.metric.clone(),
                data: data.clone(),
            })
            .collect();
        let mut measured = Measured::from(blocks);
        for left_out in recorded.left_out.get(&key).into_iter().flatten() {
            if left_out.minute.is_some_and(|minute| minutes.contains(&minute)) {
                measured.leave_out(left_out.reason, left_out.minute, left_out.track, left_out.points);
            }
        }
        measured.evidence = evidence(&measured, query);
        Ok(measured)
    }

    async fn known_since(&self) -> Result<Option<Timestamp>> {
        Ok(Some(self.recorded().since))
    }
}
