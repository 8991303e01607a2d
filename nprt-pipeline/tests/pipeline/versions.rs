//! The metrics are told what runs on each track, so that those which say a version and no track can tell.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use nprt_core::Result;
use nprt_core::model::Track;
use nprt_core::ports::{Measured, MetricQuery, MetricsBackend, MetricsCapabilities};
use nprt_pipeline::{Ports, Progress};

use crate::judge::on_trial;
use crate::world::{World, shop};

/// The metrics of a world, and what they were asked.
#[derive(Debug)]
struct Asked {
    metrics: Arc<dyn MetricsBackend>,
    queries: Mutex<Vec<MetricQuery>>,
}

#[async_trait]
impl MetricsBackend for Asked {
    fn capabilities(&self) -> MetricsCapabilities {
        self.metrics.capabilities()
    }
    async fn blocks(&self, query: &MetricQuery) -> Result<Measured> {
        self.queries.lock().unwrap().push(query.clone());
        self.metrics.blocks(query).await
    }
    async fn known_since(&self) -> Result<Option<Timestamp>> {
        self.metrics.known_since().await
    }
}

#[tokio::test]
async fn each_question_says_what_runs() {
    let world = World::new();
    let (_, stable, trial) = on_trial(&world).await;
    world.wait(120).await;
    let asked = Arc::new(Asked { metrics: world.ports().metrics, queries: Mutex::default() });
    let pipeline = world.pipeline_over(Ports { metrics: asked.clone(), ..world.ports() });
    let started = pipeline.judge_canary(&shop(), &Progress::silent()).await.unwrap().started;
    let queries = asked.queries.lock().unwrap();
    let (past, present): (Vec<_>, Vec<_>) = queries.iter().partition(|query| query.range.end() <= started);
    assert!(!past.is_empty() && !present.is_empty(), "{queries:?}");
    for MetricQuery { versions, .. } in &present {
        assert_eq!(versions.track(&trial.to_string()), Some(Track::Canary));
        assert_eq!(versions.track(&stable.to_string()), Some(Track::Stable));
        assert_eq!(versions.track("0123456789012345678901234567890123456789"), None);
    }
    // Before the canary other versions were stable, and none was the canary.
    for MetricQuery { versions, .. } in &past {
        assert_eq!(versions.track(&trial.to_string()), Some(Track::Canary));
        assert_eq!(versions.track("0123456789012345678901234567890123456789"), Some(Track::Stable));
    }
}
