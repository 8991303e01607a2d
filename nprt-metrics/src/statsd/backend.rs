use async_trait::async_trait;
use jiff::Timestamp;
use nprt_core::Result;
use nprt_core::model::{ServiceName, TimeRange};
use nprt_core::ports::{Lost, Measured, MetricQuery, MetricsBackend, MetricsCapabilities, no_such_metric};

use super::Aggregator;

#[async_trait]
impl MetricsBackend for Aggregator {
    fn capabilities(&self) -> MetricsCapabilities {
        MetricsCapabilities {
            metrics: Some(self.metrics.iter().map(|(name, _)| name.clone()).collect()),
            shapes: self.metrics.iter().map(|(_, shape)| *shape).collect(),
            history: false,
            pods: true,
            routes: true,
        }
    }

    async fn known_since(&self) -> Result<Option<Timestamp>> {
        let since = Timestamp::from_second(self.first_known().saturating_mul(60));
        Ok(Some(since.unwrap_or(Timestamp::MIN)))
    }

    async fn blocks(&self, query: &MetricQuery) -> Result<Measured> {
        let configured = || self.metrics.iter().map(|(name, _)| name);
        let index = configured().position(|name| *name == query.metric);
        let index = index.ok_or_else(|| no_such_metric("statsd.blocks", &query.metric, configured()))?;
        self.collect(index, &query.service, query.range.complete_minutes(self.now()))
    }

    async fn lost(&self, service: &ServiceName, range: TimeRange) -> Result<Vec<Lost>> {
        self.what_is_lost(service, range.complete_minutes(self.now()))
    }
}
