//! Measurements that the metrics refused: the verdict says how many, and no canary passes by what is left.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use nprt_compare::Decision;
use nprt_core::Result;
use nprt_core::model::{Block, ServiceName, TimeRange};
use nprt_core::ports::{Clock, Lost, Measured, MetricQuery, MetricsBackend, MetricsCapabilities};
use nprt_pipeline::{Ports, Progress, Service};

use crate::judge::{of, on_trial, record_at};
use crate::world::{World, shop};

/// The metrics of a world, which refuse what they are told to.
#[derive(Debug)]
struct Refusing {
    metrics: Arc<dyn MetricsBackend>,
    lost: Mutex<Vec<Lost>>,
}

#[async_trait]
impl MetricsBackend for Refusing {
    fn capabilities(&self) -> MetricsCapabilities {
        self.metrics.capabilities()
    }
    async fn blocks(&self, query: &MetricQuery) -> Result<Measured> {
        self.metrics.blocks(query).await
    }
    async fn known_since(&self) -> Result<Option<Timestamp>> {
        self.metrics.known_since().await
    }
    async fn lost(&self, service: &ServiceName, range: TimeRange) -> Result<Vec<Lost>> {
        assert_eq!(*service, shop());
        let asked = range.complete_minutes(range.end());
        let lost = self.lost.lock().unwrap();
        Ok(lost.iter().filter(|lost| asked.contains(&lost.minutes.start)).cloned().collect())
    }
}

/// After how many minutes the canary passes, and why, where so much is refused in each of its first minutes.
async fn passes(refused: i64, metric: &str) -> (i64, String) {
    let world = World::new();
    let (_, stable, trial) = on_trial(&world).await;
    let metrics = Arc::new(Refusing { metrics: world.ports().metrics, lost: Mutex::default() });
    let pipeline = world.pipeline_over(Ports { metrics: metrics.clone(), ..world.ports() });
    let soak = i64::from(Service::new(shop()).policy.soak_minutes);
    for at in 0..soak + 60 {
        let now = world.clock.now();
        if at < refused {
            let minute = Block::minute_of(now);
            let lost =
                Lost { minutes: minute..minute + 1, metric: Some(metric.parse().unwrap()), lines: 1_000 };
            metrics.lost.lock().unwrap().push(lost);
        }
        record_at(&world, now, &of(nprt_core::model::Track::Stable, &stable), 0.1);
        record_at(&world, now, &of(nprt_core::model::Track::Canary, &trial), 0.1);
        world.wait(60).await;
        let judged = pipeline.judge_and_keep(&shop(), &Progress::silent()).await.unwrap();
        if judged.verdict.decision == Decision::Pass {
            return (at, judged.verdict.reason);
        }
    }
    panic!("it never passes");
}

#[tokio::test]
async fn what_was_refused_is_counted_in_the_verdict_and_is_no_ground_for_a_pass() {
    let (whole, reason) = passes(0, "latency").await;
    assert!(!reason.contains("refused"), "{reason}");
    let (others, reason) = passes(40, "disk").await;
    assert!(
        others == whole && !reason.contains("refused"),
        "of no metric that is judged: {others}, {reason}"
    );
    let (less, reason) = passes(40, "latency").await;
    assert!(less > 50 && less > whole + 10, "{less} and {whole} minutes: {reason}");
    assert!(reason.contains("is lost; ") && reason.contains("000 measurements were refused"), "{reason}");
}
