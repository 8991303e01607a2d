use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use nprt_core::model::{ServiceName, TimeRange};
use nprt_core::ports::{Lost, Measured, MetricQuery, MetricsBackend, MetricsCapabilities, no_such_metric};
use nprt_core::{Error, ErrorKind, Result};
use tokio::runtime::Handle;

use super::Aggregator;

/// Of a service of which nothing was heard.
fn nothing() -> Measured {
    let mut measured = Measured::default();
    measured.evidence.resolution = Duration::from_secs(60);
    measured
}

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
        // It is never closed.
        let place = Arc::clone(&self.answers).acquire_owned().await;
        let heard = self.heard(index, &query.service, query.range.complete_minutes(self.now()))?;
        let most = self.limits.samples_per_block;
        let measured = move || {
            let measured = heard.map_or_else(nothing, |heard| heard.measured(most));
            drop(place);
            measured
        };
        if Handle::try_current().is_err() {
            return Ok(measured());
        }
        tokio::task::spawn_blocking(measured).await.map_err(|error| {
            let message = "the answer cannot be made";
            Error::new(ErrorKind::Unexpected, "statsd.blocks", message).with_source(error)
        })
    }

    async fn lost(&self, service: &ServiceName, range: TimeRange) -> Result<Vec<Lost>> {
        self.what_is_lost(service, range.complete_minutes(self.now()))
    }
}
