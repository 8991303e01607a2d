use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use nprt_core::model::{MetricName, ServiceName};
use nprt_core::ports::{
    AnswerEvidence, Clock, Measured, MetricQuery, MetricsBackend, MetricsCapabilities, no_such_metric,
};
use nprt_core::{Error, Result};

use super::buckets::quantile_error;
use super::client::{Client, Points};
use super::measure::Measure;
use super::series::Series;
use crate::assemble::{Assembly, parts};
use crate::labels::unexpected;

/// A Prometheus server as a [`MetricsBackend`]; made by [`PrometheusConfig::build`](super::PrometheusConfig::build).
#[derive(Debug)]
pub struct Prometheus {
    pub(super) client: Client,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: BTreeMap<MetricName, Measure>,
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
            for query in metric.queries(service.as_str()) {
                let result = self.client.instant(&query, self.clock.now().as_second()).await;
                result.map_err(|error| error.with("metric", name))?;
            }
        }
        Ok(())
    }

    /// The series that a query is answered with; `left` is how many more points there may be.
    async fn series(
        &self,
        asked: &MetricQuery,
        query: &str,
        left: &mut usize,
        measured: &mut Measured,
    ) -> Result<Vec<Series>> {
        let minutes = asked.range.complete_minutes(self.clock.now());
        if minutes.end.saturating_sub(minutes.start) > MOST_MINUTES {
            return Err(Error::invalid(OPERATION, "the range is too long")
                .with("most", format_args!("{MOST_MINUTES} minutes")));
        }
        let mut all = Vec::new();
        for minutes in parts(minutes, MINUTES_A_REQUEST) {
            let most = Points { left: *left, most: self.max_points };
            let answered = self.client.range(query, &minutes, most).await?;
            let points: usize = answered.series.iter().map(Series::len).sum();
            *left = left.saturating_sub(points);
            answered.notes.iter().for_each(|note| measured.note(note));
            measured.evidence.merge(&AnswerEvidence {
                queries: vec![query.to_owned()],
                points: points as u64,
                bytes: answered.bytes as u64,
                resolution: Duration::from_secs(60),
                quantile_error: None,
            });
            all.extend(answered.series);
        }
        Ok(all)
    }
}

#[async_trait]
impl MetricsBackend for Prometheus {
    fn capabilities(&self) -> MetricsCapabilities {
        MetricsCapabilities {
            metrics: Some(self.metrics.keys().cloned().collect()),
            shapes: self.metrics.values().map(|measure| measure.metric.shape()).collect(),
            history: true,
            pods: self.metrics.values().any(|measure| measure.labels.pod.is_some()),
            routes: self.metrics.values().any(|measure| measure.labels.route.is_some()),
        }
    }

    async fn known_since(&self) -> Result<Option<Timestamp>> {
        Ok(None)
    }

    async fn blocks(&self, query: &MetricQuery) -> Result<Measured> {
        let name = &query.metric;
        let missing = || no_such_metric(OPERATION, name, self.metrics.keys());
        let measure = self.metrics.get(name).ok_or_else(missing)?;
        let (mut left, mut measured, mut answers) = (self.max_points, Measured::default(), Vec::new());
        for of in measure.queries(query.service.as_str()) {
            answers.push(self.series(query, &of, &mut left, &mut measured).await?);
        }
        let assembly = Assembly { metric: name, max_blocks: self.max_blocks };
        let blocks = measure.blocks(assembly, answers, &mut measured);
        measured.blocks = blocks.map_err(|message| unexpected(OPERATION, name, &message))?;
        measured.evidence.quantile_error = quantile_error(&measured.blocks);
        Ok(measured)
    }
}
