//! What the replicas are told was measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use nprt::Result;
use nprt::aggregator::Endpoint;
use nprt::compare::{Judge, Policy, Preset};
use nprt::memory::{ManualClock, MemoryMetrics, Origin};
use nprt::model::{Block, BlockData, ServiceName, TimeRange, Track};
use nprt::ports::{Clock, Lost, Measured, MetricQuery, MetricsBackend, MetricsCapabilities, Versions};

use super::serve;

const MINUTE: Duration = Duration::from_secs(60);

/// What was measured, minute by minute, as an aggregator answers with it.
pub(super) struct Metrics {
    clock: Arc<ManualClock>,
    recorded: MemoryMetrics,
    told: Arc<Forgetful>,
    pub(super) url: String,
}

/// What was recorded from a minute on: of what was before, the replicas are told nothing.
#[derive(Debug)]
struct Forgetful {
    recorded: MemoryMetrics,
    since: AtomicI64,
}

impl Forgetful {
    fn since(&self) -> i64 {
        self.since.load(Ordering::SeqCst)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MetricsBackend for Forgetful {
    fn capabilities(&self) -> MetricsCapabilities {
        self.recorded.capabilities()
    }

    async fn blocks(&self, query: &MetricQuery) -> Result<Measured> {
        let mut measured = self.recorded.blocks(query).await?;
        measured.blocks.retain(|block| block.minute >= self.since());
        Ok(measured)
    }

    async fn known_since(&self) -> Result<Option<jiff::Timestamp>> {
        Ok(jiff::Timestamp::from_second(60 * self.since()).ok())
    }

    async fn lost(&self, service: &ServiceName, range: TimeRange) -> Result<Vec<Lost>> {
        self.recorded.lost(service, range).await
    }
}

impl Metrics {
    pub(super) async fn new(begin: jiff::Timestamp) -> Self {
        let clock = Arc::new(ManualClock::new(begin));
        let recorded = MemoryMetrics::new(clock.clone()).only(&["latency", "requests", "errors"]);
        let since = AtomicI64::new(Block::minute_of(begin));
        let told = Arc::new(Forgetful { recorded: recorded.clone(), since });
        let endpoint = Endpoint::new(told.clone(), clock.clone());
        let url = serve(Router::new().fallback(answer).with_state(endpoint)).await;
        Self { clock, recorded, told, url }
    }

    pub(super) fn forget_before(&self, minute: i64) {
        self.told.since.fetch_max(minute, Ordering::SeqCst);
    }

    /// A minute of both services: the canary of `web` is slower than stable, that of `other` as fast.
    pub(super) fn minute(&self) {
        for (service, factor) in [("web", 1.25), ("other", 1.0)] {
            let service = ServiceName::new(service).unwrap();
            for (track, factor) in [(Track::Stable, 1.0), (Track::Canary, factor)] {
                for pod in ["a", "b"] {
                    let origin = Origin::new(track).pod(pod);
                    let samples = (0..60).map(|n| factor * (0.1 + f64::from(n) / 1000.0)).collect();
                    for (metric, data) in [
                        ("latency", BlockData::Samples(samples)),
                        ("requests", BlockData::Requests { requests: 60, errors: 0 }),
                    ] {
                        self.recorded.record(&service, metric, self.clock.now(), &origin, data).unwrap();
                    }
                }
            }
        }
        self.clock.advance(MINUTE);
    }

    /// A judge that has seen everything so far, and forgot nothing.
    pub(super) async fn judge(&self, service: &str, started: jiff::Timestamp) -> Judge {
        let policy = Policy::preset(Preset::Default);
        let mut judge = Judge::new(policy.clone(), started).unwrap();
        let mut blocks = Vec::<Block>::new();
        for metric in policy.metrics() {
            let range = TimeRange::new(started, self.clock.now()).unwrap();
            let query = MetricQuery {
                service: ServiceName::new(service).unwrap(),
                metric,
                range,
                versions: Versions::default(),
            };
            blocks.extend(self.recorded.blocks(&query).await.unwrap_or_default().blocks);
        }
        blocks.sort_by_key(|block| block.minute);
        blocks.iter().for_each(|block| judge.observe(block).unwrap());
        judge
    }
}

async fn answer(State(endpoint): State<Endpoint>, request: Request) -> (StatusCode, Vec<u8>) {
    let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
    let reply = endpoint.answer(path, query).await;
    (StatusCode::from_u16(reply.status).unwrap(), reply.body)
}
