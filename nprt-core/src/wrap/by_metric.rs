use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::Result;
use crate::model::{MetricName, ServiceName, TimeRange};
use crate::ports::{Lost, Measured, MetricQuery, MetricsBackend, MetricsCapabilities, no_such_metric};

/// Several metrics backends as one. Some metrics have a backend of their own, and one backend answers for the rest: an
/// error tracker knows the classes of errors, and a metrics server everything else.
///
/// ```
/// use std::sync::Arc;
/// use nprt_core::clock::SystemClock;
/// use nprt_memory::MemoryMetrics;
/// use nprt_core::model::MetricName;
/// use nprt_core::wrap::ByMetric;
///
/// let memory = || Arc::new(MemoryMetrics::new(Arc::new(SystemClock)));
/// let metrics = ByMetric::new(memory()).with(MetricName::new("errors")?, memory());
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ByMetric {
    rest: Arc<dyn MetricsBackend>,
    by_metric: BTreeMap<MetricName, Arc<dyn MetricsBackend>>,
}

impl ByMetric {
    /// Asks `rest` for each metric that has no backend of its own.
    #[must_use]
    pub fn new(rest: Arc<dyn MetricsBackend>) -> Self {
        Self { rest, by_metric: BTreeMap::new() }
    }

    /// Asks `backend` for `metric`, and no other one.
    #[must_use]
    pub fn with(mut self, metric: MetricName, backend: Arc<dyn MetricsBackend>) -> Self {
        self.by_metric.insert(metric, backend);
        self
    }

    fn all(&self) -> impl Iterator<Item = &Arc<dyn MetricsBackend>> {
        [&self.rest].into_iter().chain(self.by_metric.values())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MetricsBackend for ByMetric {
    fn capabilities(&self) -> MetricsCapabilities {
        let own = self.by_metric.keys().cloned();
        let metrics = self.rest.capabilities().metrics.map(|rest| rest.into_iter().chain(own).collect());
        let capabilities = || self.all().map(MetricsBackend::capabilities);
        MetricsCapabilities {
            metrics,
            shapes: capabilities().flat_map(|of| of.shapes).collect(),
            history: capabilities().all(|of| of.history),
            pods: capabilities().any(|of| of.pods),
            routes: capabilities().any(|of| of.routes),
        }
    }

    async fn blocks(&self, query: &MetricQuery) -> Result<Measured> {
        let backend = self.by_metric.get(&query.metric).unwrap_or(&self.rest);
        backend.blocks(query).await.map_err(|error| {
            if !error.is_not_configured() {
                return error;
            }
            let known: BTreeSet<MetricName> =
                error.available().iter().filter_map(|name| MetricName::new(name).ok()).collect();
            no_such_metric("metrics.blocks", &query.metric, known.iter().chain(self.by_metric.keys()))
        })
    }

    /// The latest of them all: before, not every metric is known.
    async fn known_since(&self) -> Result<Option<Timestamp>> {
        let mut since = None;
        for backend in self.all() {
            since = since.max(backend.known_since().await?);
        }
        Ok(since)
    }

    async fn lost(&self, service: &ServiceName, range: TimeRange) -> Result<Vec<Lost>> {
        let mut all = self.rest.lost(service, range).await?;
        all.retain(|lost| lost.metric.as_ref().is_none_or(|metric| !self.by_metric.contains_key(metric)));
        for (metric, backend) in &self.by_metric {
            let lost = backend.lost(service, range).await?;
            let of_it = lost.into_iter().filter(|lost| lost.metric.as_ref().is_none_or(|of| of == metric));
            all.extend(of_it.map(|lost| Lost { metric: Some(metric.clone()), ..lost }));
        }
        Ok(all)
    }
}
