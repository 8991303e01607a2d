use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use nprt_core::model::{MetricName, ServiceName};
use nprt_core::ports::{
    AnswerEvidence, Clock, Measured, MetricQuery, MetricsBackend, MetricsCapabilities, no_such_metric,
};
use nprt_core::{Error, ErrorKind, Result};

use super::buckets::quantile_error;
use super::client::{Client, Points};
use super::increase::Forms;
use super::measure::Measure;
use super::plan::{Plan, Sizes, Way};
use super::series::Series;
use super::totals::increases;
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
    pub(super) max_series: usize,
    pub(super) sizes: Sizes,
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
            for forms in &metric.forms {
                let query = metric.fill(&forms.exact, service.as_str(), true);
                let result = self.client.instant(&query, self.clock.now().as_second()).await;
                result.map_err(|error| error.with("metric", name))?;
            }
        }
        Ok(())
    }

    /// How to ask for these minutes of a metric. Its size is asked for once an hour.
    async fn plan(&self, asked: &MetricQuery, measure: &Measure, minutes: &Range<i64>) -> Result<Plan> {
        let (counts, now) =
            (measure.forms.iter().filter_map(|forms| forms.series.as_deref()), self.clock.now());
        let of = (asked.service.clone(), asked.metric.clone());
        let mut series = self.sizes.get(&of, now);
        if series.is_none() {
            for count in counts {
                let query = measure.fill(count, of.0.as_str(), true);
                let more = match self.client.count(&query, minutes.end.saturating_mul(60)).await {
                    // Some answer every question with a matrix. What is not known is asked without great cost.
                    Err(error) if error.kind() == ErrorKind::Unexpected => return Ok(Plan::UNKNOWN),
                    more => more?,
                };
                series = Some(series.unwrap_or_default().saturating_add(more));
            }
        }
        let Some(series) = series else { return Ok(Plan::PLAIN) };
        if series > 0 {
            self.sizes.keep(of, series, now);
        }
        Ok(measure.plan(series, minutes, self.max_series as u64))
    }

    /// The series that a query of a metric is answered with, by its plan; `left` is how many more points there may be.
    async fn planned(
        &self,
        (measure, forms): (&Measure, &Forms),
        plan: Plan,
        (service, minutes): (&ServiceName, &Range<i64>),
        left: &mut usize,
        measured: &mut Measured,
    ) -> Result<Vec<Series>> {
        let query = |way| measure.fill(forms.by(way), service.as_str(), plan.routes);
        let (mut all, mut way) = (Vec::new(), plan.way);
        for minutes in parts(minutes.clone(), MINUTES_A_REQUEST) {
            if let (Way::Totals, Some(counters)) = (way, measure.counters()) {
                let first = minutes.start.saturating_sub(1)..minutes.end;
                let (base, room) = (minutes.start.saturating_mul(60), *left);
                let totals = (counters, self.series(&query(Way::Totals), &first, left, measured).await?);
                let by = measure.by(plan.routes);
                if let Some(increases) = increases((&measure.labels, &by), totals, base, measured) {
                    all.extend(increases);
                    continue;
                }
                // Those totals are dropped, and take no room from what is asked instead.
                *left = room;
                way = Way::ByMinute;
            }
            all.extend(self.series(&query(way), &minutes, left, measured).await?);
        }
        Ok(all)
    }

    /// The series that one query is answered with.
    async fn series(
        &self,
        query: &str,
        minutes: &Range<i64>,
        left: &mut usize,
        measured: &mut Measured,
    ) -> Result<Vec<Series>> {
        let most = Points { left: *left, most: self.max_points };
        let answered = self.client.range(query, minutes, most).await?;
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
        Ok(answered.series)
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
        let minutes = query.range.complete_minutes(self.clock.now());
        if minutes.end.saturating_sub(minutes.start) > MOST_MINUTES {
            return Err(Error::invalid(OPERATION, "the range is too long")
                .with("most", format_args!("{MOST_MINUTES} minutes")));
        }
        let (mut left, mut measured, mut answers) = (self.max_points, Measured::default(), Vec::new());
        let plan = self.plan(query, measure, &minutes).await?;
        if !plan.routes && measure.labels.route.is_some() {
            measured.note(&format!(
                "routes are not told apart: more than {} series (max_series)",
                self.max_series
            ));
        }
        for forms in &measure.forms {
            let of = (&query.service, &minutes);
            answers.push(self.planned((measure, forms), plan, of, &mut left, &mut measured).await?);
        }
        let assembly = Assembly { metric: name, max_blocks: self.max_blocks };
        let blocks = measure.blocks(assembly, answers, &mut measured);
        measured.blocks = blocks.map_err(|message| unexpected(OPERATION, name, &message))?;
        measured.evidence.quantile_error = quantile_error(&measured.blocks);
        Ok(measured)
    }
}
