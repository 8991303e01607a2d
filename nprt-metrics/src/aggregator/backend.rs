use async_trait::async_trait;
use jiff::Timestamp;
use nprt_core::Result;
use nprt_core::model::{BlockShape, ServiceName, TimeRange};
use nprt_core::ports::{Lost, Measured, MetricQuery, MetricsBackend, MetricsCapabilities};

use super::client::Client;
use super::wire::{Question, Span};

/// A process that aggregates what statsd clients send, as a [`MetricsBackend`]; made by
/// [`AggregatorConfig::build`](super::AggregatorConfig::build).
#[derive(Debug)]
pub struct RemoteAggregator {
    pub(super) client: Client,
}

#[async_trait]
impl MetricsBackend for RemoteAggregator {
    fn capabilities(&self) -> MetricsCapabilities {
        let shapes = [BlockShape::Samples, BlockShape::Value, BlockShape::Requests, BlockShape::Classes];
        MetricsCapabilities { metrics: None, shapes: shapes.into(), history: false, pods: true, routes: true }
    }

    async fn blocks(&self, query: &MetricQuery) -> Result<Measured> {
        // Which of these minutes are over is for the aggregator's clock to say.
        let minutes = query.range.complete_minutes(Timestamp::MAX);
        let (service, metric) = (query.service.clone(), query.metric.clone());
        let asked = self.client.blocks(&Question { service, metric, minutes }).await;
        asked.map_err(|error| error.with("metric", &query.metric))
    }

    async fn lost(&self, service: &ServiceName, range: TimeRange) -> Result<Vec<Lost>> {
        let minutes = range.complete_minutes(Timestamp::MAX);
        match self.client.lost(&Span { service: service.clone(), minutes }).await {
            // An older one does not say.
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            answer => answer,
        }
    }

    async fn known_since(&self) -> Result<Option<Timestamp>> {
        let since = self.client.known_since().await?;
        // One that does not say is no aggregator of statsd, and would be one that lost nothing.
        let minute = since.unwrap_or(i64::MIN);
        Ok(Some(Timestamp::from_second(minute.saturating_mul(60)).unwrap_or(Timestamp::MIN)))
    }
}
