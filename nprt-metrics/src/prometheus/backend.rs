use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use nprt_core::model::{Block, MetricName, ServiceName};
use nprt_core::ports::{Clock, Measured, MetricQuery, MetricsBackend, MetricsCapabilities, no_such_metric};
use nprt_core::{Error, Result};

use super::PrometheusMetric;
use super::buckets::histograms;
use super::builder::{fill, queries};
use super::client::{Client, Points};
use super::series::read;
use crate::Labels;
use crate::assemble::{Assembly, Line, parts};
use crate::labels::unexpected;

/// A Prometheus server as a [`MetricsBackend`]; made by [`PrometheusConfig::build`](super::PrometheusConfig::build).
#[derive(Debug)]
pub struct Prometheus {
    pub(super) client: Client,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) labels: Labels,
    pub(super) metrics: BTreeMap<MetricName, PrometheusMetric>,
    pub(super) max_points: usize,
    pub(super) max_blocks: usize,
}

/// Prometheus answers with at most 11,000 points of a series; and it keeps some twelve numbers of each series
/// and minute while it works out an increase, of at most 50 million in all (`query.max-samples`).
const MINUTES_A_REQUEST: i64 = 720;

/// Over two months; a longer range is a mistake.
const MOST_MINUTES: i64 = 100_000;

const OPERATION: &str = "prometheus.blocks";

impl Prometheus {
    /// Evaluates each query once, for `service`: whether the server is there, lets us in and understands
    /// the queries. It does not tell whether there is data.
    ///
    /// # Errors
    /// As [`MetricsBackend::blocks`], naming the metric.
    pub async fn check(&self, service: &ServiceName) -> Result<()> {
        for (name, metric) in &self.metrics {
            for query in queries(metric) {
                let query = fill(query, service.as_str(), &self.labels, self.part(metric));
                let result = self.client.instant(&query, self.clock.now().as_second()).await;
                result.map_err(|error| error.with("metric", name))?;
            }
        }
        Ok(())
    }

    /// The label that tells the parts of a block from each other.
    fn part(&self, metric: &PrometheusMetric) -> Option<&str> {
        match metric {
            PrometheusMetric::Histogram { .. } => Some("le"),
            PrometheusMetric::Classes { .. } => Some(&self.labels.class),
            PrometheusMetric::Value { .. } | PrometheusMetric::Requests { .. } => None,
        }
    }

    /// What the series of a query say; `left` is how many more points there may be.
    async fn lines(
        &self,
        asked: &MetricQuery,
        query: &str,
        part: Option<&str>,
        left: &mut usize,
    ) -> Result<Vec<Line>> {
        let minutes = asked.range.complete_minutes(self.clock.now());
        if minutes.end.saturating_sub(minutes.start) > MOST_MINUTES {
            return Err(Error::invalid(OPERATION, "the range is too long")
                .with("most", format_args!("{MOST_MINUTES} minutes")));
        }
        let query = fill(query, asked.service.as_str(), &self.labels, part);
        let mut lines = Vec::new();
        for minutes in parts(minutes, MINUTES_A_REQUEST) {
            let most = Points { left: *left, most: self.max_points };
            for series in self.client.range(&query, &minutes, most).await? {
                let wrong = |message: String| {
                    unexpected(OPERATION, &asked.metric, &message).with("series", &series.metric)
                };
                let line = read(&self.labels, &series, part).map_err(wrong)?;
                *left = left.saturating_sub(line.points.len());
                lines.push(line);
            }
        }
        Ok(lines)
    }
}

#[async_trait]
impl MetricsBackend for Prometheus {
    fn capabilities(&self) -> MetricsCapabilities {
        MetricsCapabilities {
            metrics: Some(self.metrics.keys().cloned().collect()),
            shapes: self.metrics.values().map(PrometheusMetric::shape).collect(),
            history: true,
            pods: self.labels.pod.is_some(),
            routes: self.labels.route.is_some(),
        }
    }

    async fn known_since(&self) -> Result<Option<Timestamp>> {
        Ok(None)
    }

    async fn blocks(&self, query: &MetricQuery) -> Result<Measured> {
        let name = &query.metric;
        let missing = || no_such_metric(OPERATION, name, self.metrics.keys());
        let metric = self.metrics.get(name).ok_or_else(missing)?;
        let part = self.part(metric);
        let (assembly, mut left) = (Assembly { metric: name, max_blocks: self.max_blocks }, self.max_points);
        let mut lines = async |of| self.lines(query, of, part, &mut left).await;
        let blocks = match metric {
            PrometheusMetric::Histogram { query } => histograms(assembly, &lines(query).await?),
            PrometheusMetric::Value { query } => assembly.values(&lines(query).await?),
            PrometheusMetric::Classes { query } => assembly.classes(&lines(query).await?),
            PrometheusMetric::Requests { requests, errors } => {
                let requests = lines(requests).await?;
                assembly.requests(&requests, &lines(errors).await?)
            }
        };
        blocks.map(Measured::from).map_err(|message| unexpected(OPERATION, name, &message))
    }
}
