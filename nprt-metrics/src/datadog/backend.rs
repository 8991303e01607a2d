use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use nprt_core::model::MetricName;
use nprt_core::ports::{Clock, Measured, MetricQuery, MetricsBackend, MetricsCapabilities, no_such_metric};
use nprt_core::{Error, Result};

use super::DatadogMetric;
use super::client::{Answer, Client, Points, Series};
use super::query::{EDGE, fill};
use super::read::{Reader, note_interval};
use super::shape::blocks;
use crate::Labels;
use crate::assemble::{Assembly, parts};
use crate::labels::unexpected;

/// A Datadog account as a [`MetricsBackend`]; made by [`DatadogConfig::build`](super::DatadogConfig::build).
#[derive(Debug)]
pub struct Datadog {
    pub(super) client: Client,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) delay_seconds: u32,
    pub(super) tags: Labels,
    pub(super) metrics: BTreeMap<MetricName, DatadogMetric>,
    pub(super) max_points: usize,
    pub(super) max_blocks: usize,
}

/// With more points than some 1,500 a series, Datadog would answer at longer intervals than asked for.
const MINUTES_A_REQUEST: i64 = 1_000;

/// A month is 45 requests; a longer range is a mistake.
const MOST_MINUTES: i64 = 45_000;

const OPERATION: &str = "datadog.blocks";

impl Datadog {
    fn now(&self) -> Timestamp {
        let delay = SignedDuration::from_secs(i64::from(self.delay_seconds));
        self.clock.now().checked_sub(delay).unwrap_or(Timestamp::MIN)
    }

    /// The queries of `metric` as they are sent, in order.
    fn queries(&self, metric: &DatadogMetric, service: &str) -> Vec<String> {
        let fill = |query: &str| fill(query, &self.tags, metric.part(&self.tags), service);
        match metric {
            DatadogMetric::Distribution { below, total, edges, .. } => {
                let below = edges.iter().map(|edge| below.replace(EDGE, &edge.to_string()));
                below.chain([total.clone()]).map(|query| fill(&query)).collect()
            }
            _ => metric.queries().into_iter().map(fill).collect(),
        }
    }

    /// What Datadog answers to the queries.
    async fn series(
        &self,
        asked: &MetricQuery,
        queries: &[String],
        minutes: &Range<i64>,
        measured: &mut Measured,
    ) -> Result<Vec<Series>> {
        let (mut all, mut left) = (Vec::new(), self.max_points);
        for minutes in parts(minutes.clone(), MINUTES_A_REQUEST) {
            let most = Points { left, most: self.max_points };
            let answer: Answer = self.client.ask(queries, &minutes, most).await?;
            left = left.saturating_sub(answer.points());
            measured.evidence.points = measured.evidence.points.saturating_add(answer.points() as u64);
            measured.evidence.bytes = measured.evidence.bytes.saturating_add(answer.bytes);
            answer.note.into_iter().for_each(|note| measured.note(note));
            if answer.series.iter().any(|series| series.query >= queries.len()) {
                return Err(unexpected(OPERATION, &asked.metric, "a series answers no query"));
            }
            let mut series = answer.series;
            note_interval(&mut series);
            all.append(&mut series);
        }
        Ok(all)
    }
}

#[async_trait]
impl MetricsBackend for Datadog {
    fn capabilities(&self) -> MetricsCapabilities {
        MetricsCapabilities {
            metrics: Some(self.metrics.keys().cloned().collect()),
            shapes: self.metrics.values().map(DatadogMetric::shape).collect(),
            history: true,
            pods: self.tags.pod.is_some(),
            routes: self.tags.route.is_some(),
        }
    }

    async fn known_since(&self) -> Result<Option<Timestamp>> {
        Ok(None)
    }

    async fn blocks(&self, query: &MetricQuery) -> Result<Measured> {
        let name = &query.metric;
        let missing = || no_such_metric(OPERATION, name, self.metrics.keys());
        let metric = self.metrics.get(name).ok_or_else(missing)?;
        let minutes = query.range.complete_minutes(self.now());
        if minutes.end.saturating_sub(minutes.start) > MOST_MINUTES {
            return Err(Error::invalid(OPERATION, "the range is too long")
                .with("most", format_args!("{MOST_MINUTES} minutes")));
        }
        let queries = self.queries(metric, query.service.as_str());
        let mut measured = Measured::default();
        measured.evidence.resolution = Duration::from_secs(60);
        queries.iter().for_each(|query| measured.evidence.query(query));
        let series = self.series(query, &queries, &minutes, &mut measured).await?;
        let assembly = Assembly { metric: name, max_blocks: self.max_blocks };
        let mut reader = Reader::new(&self.tags, query, &minutes, &mut measured);
        let made = blocks(metric, assembly, &mut reader, &series);
        reader.finish();
        measured.blocks = made.map_err(|message| unexpected(OPERATION, name, &message))?;
        Ok(measured)
    }
}
