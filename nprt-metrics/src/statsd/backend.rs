use async_trait::async_trait;
use nprt_core::model::Block;
use nprt_core::ports::{MetricQuery, MetricsBackend, MetricsCapabilities};
use nprt_core::{Error, ErrorKind, Result};

use super::Aggregator;

#[async_trait]
impl MetricsBackend for Aggregator {
    fn capabilities(&self) -> MetricsCapabilities {
        MetricsCapabilities {
            shapes: self.metrics.iter().map(|(_, shape)| *shape).collect(),
            history: false,
            pods: true,
            routes: true,
        }
    }

    async fn blocks(&self, query: &MetricQuery) -> Result<Vec<Block>> {
        let index = self.metrics.iter().position(|(name, _)| *name == query.metric).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "statsd.blocks", "no such metric")
                .with("metric", &query.metric)
                .with_available(self.metrics.iter().map(|(name, _)| name))
        })?;
        Ok(self.collect(index, &query.service, query.range.complete_minutes(self.now())))
    }
}
