use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use nprt_core::model::{Block, MetricName, ServiceName};
use nprt_core::ports::{Clock, MetricQuery, MetricsBackend, MetricsCapabilities};
use nprt_core::{Error, Result};

use super::PrometheusMetric;
use super::buckets::histograms;
use super::builder::{fill, queries};
use super::client::Client;
use super::series::{labels_of, read};
use crate::Labels;
use crate::assemble::{Point, classes, parts, requests, values};
use crate::error::no_such_metric;
use crate::labels::unexpected;

/// A Prometheus server as a [`MetricsBackend`]; made by [`PrometheusConfig::build`](super::PrometheusConfig::build).
#[derive(Debug)]
pub struct Prometheus {
    pub(super) client: Client,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) labels: Labels,
    pub(super) metrics: BTreeMap<MetricName, PrometheusMetric>,
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

    async fn points(&self, asked: &MetricQuery, query: &str, part: Option<&str>) -> Result<Vec<Point>> {
        let minutes = asked.range.complete_minutes(self.clock.now());
        if minutes.end.saturating_sub(minutes.start) > MOST_MINUTES {
            return Err(Error::invalid(OPERATION, "the range is too long")
                .with("most", format_args!("{MOST_MINUTES} minutes")));
        }
        let query = fill(query, asked.service.as_str(), &self.labels, part);
        let mut points = Vec::new();
        for minutes in parts(minutes, MINUTES_A_REQUEST) {
            for series in self.client.range(&query, &minutes).await? {
                let wrong = |message: String| {
                    unexpected(OPERATION, &asked.metric, &message).with("series", labels_of(&series))
                };
                read(&self.labels, &series, part, &mut points).map_err(wrong)?;
            }
        }
        Ok(points)
    }
}

#[async_trait]
impl MetricsBackend for Prometheus {
    fn capabilities(&self) -> MetricsCapabilities {
        MetricsCapabilities {
            shapes: self.metrics.values().map(PrometheusMetric::shape).collect(),
            history: true,
            pods: self.labels.pod.is_some(),
            routes: self.labels.route.is_some(),
        }
    }

    async fn known_since(&self) -> Result<Option<Timestamp>> {
        Ok(None)
    }

    async fn blocks(&self, query: &MetricQuery) -> Result<Vec<Block>> {
        let name = &query.metric;
        let missing = || no_such_metric(OPERATION, name, self.metrics.keys());
        let metric = self.metrics.get(name).ok_or_else(missing)?;
        let part = self.part(metric);
        let blocks = match metric {
            PrometheusMetric::Histogram { query: of } => {
                histograms(name, self.points(query, of, part).await?)
            }
            PrometheusMetric::Value { query: of } => values(name, self.points(query, of, part).await?),
            PrometheusMetric::Classes { query: of } => classes(name, self.points(query, of, part).await?),
            PrometheusMetric::Requests { requests: all, errors } => {
                let all = self.points(query, all, part).await?;
                requests(name, all, self.points(query, errors, part).await?)
            }
        };
        blocks.map_err(|message| unexpected(OPERATION, name, &message))
    }
}
