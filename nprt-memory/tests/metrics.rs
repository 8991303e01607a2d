//! The memory backend of the metrics port keeps the contract.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nprt_core::clock::SystemClock;
use nprt_core::conformance::metrics::{self, Recorded};
use nprt_core::model::{Block, BlockData, BlockShape, MetricName, ServiceName, TimeRange, Track};
use nprt_core::ports::{Measured, MetricQuery, MetricsBackend, MetricsCapabilities};
use nprt_core::wrap::{Backoff, Retry, Timeout};
use nprt_memory::{ManualClock, MemoryMetrics, Origin};

const MINUTE: i64 = 29_000_000;

fn at(minute: i64, second: i64) -> Timestamp {
    Timestamp::from_second((MINUTE + minute) * 60 + second).unwrap()
}

fn fresh() -> MemoryMetrics {
    MemoryMetrics::new(Arc::new(ManualClock::new(at(4, 30))))
        .with_metric(MetricName::new("sizes").unwrap(), BlockShape::Histogram)
}

/// Everything in two halves, so that adding is tested too.
fn halves() -> Vec<(&'static str, BlockData, BlockData, BlockData)> {
    let histogram = |counts| BlockData::Histogram { edges: vec![0.1, 1.0], counts };
    let classes = |counts: &[(&str, u64)]| {
        BlockData::Classes(counts.iter().map(|(class, n)| ((*class).to_owned(), *n)).collect())
    };
    vec![
        (
            "latency",
            BlockData::Samples(vec![0.2]),
            BlockData::Samples(vec![0.1]),
            BlockData::Samples(vec![0.1, 0.2]),
        ),
        ("cpu", BlockData::Value(0.5), BlockData::Value(0.25), BlockData::Value(0.25)),
        (
            "requests",
            BlockData::Requests { requests: 10, errors: 1 },
            BlockData::Requests { requests: 5, errors: 0 },
            BlockData::Requests { requests: 15, errors: 1 },
        ),
        ("errors", classes(&[("Io", 1)]), classes(&[("Io", 2), ("Db", 1)]), classes(&[("Db", 1), ("Io", 3)])),
        ("sizes", histogram(vec![1, 0, 2]), histogram(vec![0, 3, 0]), histogram(vec![1, 3, 2])),
    ]
}

fn record(metrics: &MemoryMetrics) -> Recorded {
    let service = ServiceName::new("shop").unwrap();
    let mut blocks = Vec::new();
    // Minute 1 is a gap, minute 4 still runs.
    for minute in [0, 2, 3, 4] {
        for (track, pod, route) in
            [(Track::Canary, "c", "/a"), (Track::Stable, "t", "/b"), (Track::Stable, "s", "/b")]
        {
            let origin = Origin::new(track).version("main-3f2a91c").pod(pod).route(route);
            for (metric, one, two, sum) in halves() {
                metrics.record(&service, metric, at(minute, 0), &origin, one).unwrap();
                metrics.record(&service, metric, at(minute, 29), &origin, two).unwrap();
                blocks.push(Block {
                    minute: MINUTE + minute,
                    track,
                    version: Some("main-3f2a91c".to_owned()),
                    pod: Some(pod.to_owned()),
                    route: Some(route.to_owned()),
                    metric: MetricName::new(metric).unwrap(),
                    data: sum,
                });
            }
        }
    }
    blocks.retain(|block| block.minute < MINUTE + 4);
    Recorded { service, blocks }
}

#[tokio::test]
async fn conforms() {
    let memory = fresh();
    let recorded = record(&memory);
    metrics::all(&memory, &fresh(), &recorded).await;
    let shared: Arc<dyn MetricsBackend> = Arc::new(memory.clone());
    metrics::all(&shared, &fresh(), &recorded).await;
    metrics::all(&(Box::new(memory) as Box<dyn MetricsBackend>), &fresh(), &recorded).await;
    let clock = Arc::new(SystemClock);
    let wrapped =
        Retry::new(Timeout::new(shared, Duration::from_secs(10), clock.clone()), Backoff::default(), clock);
    metrics::all(&wrapped, &fresh(), &recorded).await;
}

#[test]
fn capabilities() {
    let names =
        [MetricName::LATENCY, MetricName::CPU, MetricName::MEMORY, MetricName::REQUESTS, MetricName::ERRORS];
    let expected = MetricsCapabilities {
        metrics: Some(names.into_iter().map(|name| MetricName::new(name).unwrap()).collect()),
        shapes: BTreeSet::from([
            BlockShape::Samples,
            BlockShape::Value,
            BlockShape::Requests,
            BlockShape::Classes,
        ]),
        history: false,
        pods: true,
        routes: true,
    };
    assert_eq!(MemoryMetrics::new(Arc::new(ManualClock::new(at(0, 0)))).capabilities(), expected);
}

#[test]
fn refuses_what_no_backend_may_answer() {
    let (metrics, shop) = (fresh(), ServiceName::new("shop").unwrap());
    let record = |metric, data| {
        metrics.record(
            &shop,
            metric,
            at(0, 0) - SignedDuration::from_secs(1),
            &Origin::new(Track::Stable),
            data,
        )
    };
    assert!(record("latency", BlockData::Samples(vec![1.0, f64::NAN])).unwrap_err().is_invalid());
    assert!(record("latency", BlockData::Value(1.0)).unwrap_err().is_invalid());
    assert!(record("cpu", BlockData::Value(f64::INFINITY)).unwrap_err().is_invalid());
    assert!(record("requests", BlockData::Requests { requests: 1, errors: 2 }).unwrap_err().is_invalid());
    assert!(
        record("sizes", BlockData::Histogram { edges: vec![1.0], counts: vec![1] }).unwrap_err().is_invalid()
    );
    let unknown = record("disk", BlockData::Classes(BTreeMap::new())).unwrap_err();
    assert!(unknown.is_not_configured() && unknown.available().contains(&"latency".to_owned()), "{unknown}");
    record("sizes", BlockData::Histogram { edges: vec![1.0], counts: vec![1, 2] }).unwrap();
    let other = BlockData::Histogram { edges: vec![2.0], counts: vec![1, 2] };
    assert!(record("sizes", other).unwrap_err().is_invalid());
}

/// How a backend may break its contract.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    Unsorted,
    Twice,
    GapAsZero,
    RunningMinute,
    RangeIgnored,
    UnknownIsEmpty,
    EveryServiceAlike,
    NoHistory,
    NoPods,
    AlwaysKnew,
    KnowsTooLate,
}

/// The memory backend with a fault.
#[derive(Debug)]
struct Faulty(MemoryMetrics, Fault);

#[async_trait::async_trait]
impl MetricsBackend for Faulty {
    fn capabilities(&self) -> MetricsCapabilities {
        let claimed = self.0.capabilities();
        match self.1 {
            Fault::NoHistory => MetricsCapabilities { history: true, ..claimed },
            Fault::NoPods => MetricsCapabilities { pods: false, ..claimed },
            _ => claimed,
        }
    }

    async fn known_since(&self) -> nprt_core::Result<Option<Timestamp>> {
        match self.1 {
            Fault::AlwaysKnew => Ok(None),
            Fault::KnowsTooLate => Ok(Some(at(0, 60))),
            _ => self.0.known_since().await,
        }
    }

    async fn blocks(&self, query: &MetricQuery) -> nprt_core::Result<Measured> {
        let mut query = query.clone();
        match self.1 {
            Fault::UnknownIsEmpty if query.metric.as_str() == "no-such-metric" => {
                return Ok(Measured::default());
            }
            Fault::EveryServiceAlike => query.service = ServiceName::new("shop").unwrap(),
            Fault::RangeIgnored => {
                query.range = TimeRange::before(at(4, 30), Duration::from_secs(3600));
            }
            _ => {}
        }
        let end = query.range.end();
        let mut measured = self.0.blocks(&query).await?;
        let blocks = &mut measured.blocks;
        let Some(first) = blocks.first().cloned() else { return Ok(measured) };
        match self.1 {
            Fault::Unsorted => blocks.reverse(),
            Fault::Twice => blocks.push(blocks[blocks.len() - 1].clone()),
            Fault::GapAsZero => {
                let gap = Block { minute: MINUTE + 1, ..first };
                let place = blocks.partition_point(|block| block.minute < gap.minute);
                blocks.insert(place, gap);
            }
            Fault::RunningMinute if end > at(4, 30) => blocks.push(Block { minute: MINUTE + 4, ..first }),
            _ => {}
        }
        Ok(measured)
    }
}

#[tokio::test]
async fn the_suite_finds_every_fault() {
    let suite = |fault| {
        tokio::spawn(async move {
            let memory = fresh();
            let recorded = record(&memory);
            let (backend, reopened) = (Faulty(memory, fault), Faulty(fresh(), fault));
            metrics::all(&backend, &reopened, &recorded).await;
        })
    };
    suite(Fault::None).await.unwrap();
    for fault in [
        Fault::Unsorted,
        Fault::Twice,
        Fault::GapAsZero,
        Fault::RunningMinute,
        Fault::RangeIgnored,
        Fault::UnknownIsEmpty,
        Fault::EveryServiceAlike,
        Fault::NoHistory,
        Fault::NoPods,
        Fault::AlwaysKnew,
        Fault::KnowsTooLate,
    ] {
        assert!(suite(fault).await.is_err_and(|error| error.is_panic()), "{fault:?} was not found");
    }
}
