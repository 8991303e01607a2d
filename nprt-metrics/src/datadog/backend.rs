use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use nprt_core::model::{Block, MetricName};
use nprt_core::ports::{Clock, MetricQuery, MetricsBackend, MetricsCapabilities};
use nprt_core::{Error, Result};

use super::DatadogMetric;
use super::builder::queries;
use super::client::{Client, Columns};
use crate::Labels;
use crate::assemble::{Point, classes, parts, requests, values};
use crate::error::no_such_metric;
use crate::labels::unexpected;

/// A Datadog account as a [`MetricsBackend`]; made by [`DatadogConfig::build`](super::DatadogConfig::build).
#[derive(Debug)]
pub struct Datadog {
    pub(super) client: Client,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) delay_seconds: u32,
    pub(super) tags: Labels,
    pub(super) metrics: BTreeMap<MetricName, DatadogMetric>,
}

/// With more points than some 1,500 a series, Datadog would answer at longer intervals than asked for.
const MINUTES_A_REQUEST: i64 = 1_000;

/// A month is 45 requests; a longer range is a mistake.
const MOST_MINUTES: i64 = 45_000;

const OPERATION: &str = "datadog.blocks";

/// What Datadog says where a series does not have a tag.
const NO_TAG: &str = "N/A";

impl Datadog {
    fn now(&self) -> Timestamp {
        let delay = SignedDuration::from_secs(i64::from(self.delay_seconds));
        self.clock.now().checked_sub(delay).unwrap_or(Timestamp::MIN)
    }

    /// The points of each query of `metric`.
    async fn points(&self, asked: &MetricQuery, metric: &DatadogMetric) -> Result<[Vec<Point>; 2]> {
        let minutes = asked.range.complete_minutes(self.now());
        if minutes.end.saturating_sub(minutes.start) > MOST_MINUTES {
            return Err(Error::invalid(OPERATION, "the range is too long")
                .with("most", format_args!("{MOST_MINUTES} minutes")));
        }
        let class = match metric {
            DatadogMetric::Classes { .. } => Some(self.tags.class.as_str()),
            DatadogMetric::Value { .. } | DatadogMetric::Requests { .. } => None,
        };
        let fill = |query: &str| {
            // `{service}` last: a service's name holds no brace.
            query.replace("{by}", &self.tags.by(class)).replace("{service}", asked.service.as_str())
        };
        let queries: Vec<String> = queries(metric).into_iter().map(fill).collect();
        let mut points = [Vec::new(), Vec::new()];
        for minutes in parts(minutes, MINUTES_A_REQUEST) {
            let columns = self.client.timeseries(&queries, &minutes).await?;
            let wrong = |message: String| unexpected(OPERATION, &asked.metric, &message);
            self.read(&columns, class, &mut points).map_err(wrong)?;
        }
        Ok(points)
    }

    fn read(
        &self,
        columns: &Columns,
        class: Option<&str>,
        points: &mut [Vec<Point>; 2],
    ) -> Result<(), String> {
        let Columns { series, times, values } = columns;
        if values.len() != series.len() || values.iter().any(|column| column.len() != times.len()) {
            return Err("expected a column a series, and in it a value a time".to_owned());
        }
        for (series, column) in series.iter().zip(values) {
            let tag = |name: &str| {
                let tags = series.group_tags.iter().filter_map(|tag| tag.split_once(':'));
                tags.filter(|(_, value)| *value != NO_TAG)
                    .find(|(tag, _)| *tag == name)
                    .map(|(_, value)| value)
            };
            let of = |message| format!("{message}; series {:?}", series.group_tags);
            let place = self.tags.place(tag).map_err(of)?;
            let part = class.and_then(tag).map(str::to_owned);
            let points = points.get_mut(series.query_index).ok_or("a series answers no query")?;
            for (time, value) in times.iter().zip(column) {
                let Some(value) = *value else { continue };
                if time.rem_euclid(60_000) != 0 {
                    return Err(format!("expected whole minutes, found {time}"));
                }
                let minute = time.div_euclid(60_000);
                points.push(Point { minute, place: place.clone(), part: part.clone(), value });
            }
        }
        Ok(())
    }
}

#[async_trait]
impl MetricsBackend for Datadog {
    fn capabilities(&self) -> MetricsCapabilities {
        MetricsCapabilities {
            shapes: self.metrics.values().map(DatadogMetric::shape).collect(),
            history: true,
            pods: self.tags.pod.is_some(),
            routes: self.tags.route.is_some(),
        }
    }

    async fn known_since(&self) -> Result<Option<Timestamp>> {
        Ok(None)
    }

    async fn blocks(&self, query: &MetricQuery) -> Result<Vec<Block>> {
        let name = &query.metric;
        let missing = || no_such_metric(OPERATION, name, self.metrics.keys());
        let metric = self.metrics.get(name).ok_or_else(missing)?;
        let [mut points, errors] = self.points(query, metric).await?;
        let blocks = match metric {
            DatadogMetric::Value { scale, .. } => {
                points.iter_mut().for_each(|point| point.value *= scale);
                values(name, points)
            }
            DatadogMetric::Requests { .. } => requests(name, points, errors),
            DatadogMetric::Classes { .. } => classes(name, points),
        };
        blocks.map_err(|message| unexpected(OPERATION, name, &message))
    }
}
