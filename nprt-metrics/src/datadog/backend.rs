use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use nprt_core::model::MetricName;
use nprt_core::ports::{Clock, Measured, MetricQuery, MetricsBackend, MetricsCapabilities, no_such_metric};
use nprt_core::{Error, Result};

use super::DatadogMetric;
use super::builder::queries;
use super::client::{Client, Columns, Points};
use crate::Labels;
use crate::assemble::{Assembly, Class, Line, parts};
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

/// What Datadog says where a series does not have a tag.
const NO_TAG: &str = "N/A";

impl Datadog {
    fn now(&self) -> Timestamp {
        let delay = SignedDuration::from_secs(i64::from(self.delay_seconds));
        self.clock.now().checked_sub(delay).unwrap_or(Timestamp::MIN)
    }

    /// What the series of each query of `metric` say.
    async fn lines(&self, asked: &MetricQuery, metric: &DatadogMetric) -> Result<[Vec<Line<Class>>; 2]> {
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
        let (mut lines, mut left) = ([Vec::new(), Vec::new()], self.max_points);
        for minutes in parts(minutes, MINUTES_A_REQUEST) {
            let most = Points { left, most: self.max_points };
            let columns = self.client.timeseries(&queries, &minutes, most).await?;
            left = left.saturating_sub(columns.values.iter().map(Vec::len).sum());
            let wrong = |message: String| unexpected(OPERATION, &asked.metric, &message);
            read(&self.tags, &columns, class, &mut lines).map_err(wrong)?;
        }
        Ok(lines)
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
        let [mut lines, errors] = self.lines(query, metric).await?;
        let assembly = Assembly { metric: name, max_blocks: self.max_blocks };
        let mut measured = Measured::default();
        let blocks = match metric {
            DatadogMetric::Value { scale, .. } => {
                let points = lines.iter_mut().flat_map(|line| &mut line.points);
                points.for_each(|(_, value)| *value *= scale);
                assembly.values(&lines, &mut measured)
            }
            DatadogMetric::Requests { .. } => assembly.requests(&lines, &errors, &mut measured),
            DatadogMetric::Classes { .. } => assembly.classes(&lines, &mut measured),
        };
        measured.blocks = blocks.map_err(|message| unexpected(OPERATION, name, &message))?;
        Ok(measured)
    }
}

/// What the columns of an answer say, by query.
pub(super) fn read(
    labels: &Labels,
    columns: &Columns,
    class: Option<&str>,
    lines: &mut [Vec<Line<Class>>; 2],
) -> Result<(), String> {
    let Columns { series, times, values } = columns;
    if values.len() != series.len() || values.iter().any(|column| column.len() != times.len()) {
        return Err("expected a column a series, and in it a value a time".to_owned());
    }
    if let Some(time) = times.iter().find(|time| time.rem_euclid(60_000) != 0) {
        return Err(format!("expected whole minutes, found {time}"));
    }
    for (series, column) in series.iter().zip(values) {
        let tag = |name: &str| {
            let tags = series.group_tags.iter().filter_map(|tag| tag.split_once(':'));
            tags.filter(|(_, value)| *value != NO_TAG).find(|(tag, _)| *tag == name).map(|(_, value)| value)
        };
        let of = |message| {
            let tags: String = format!("{:?}", series.group_tags).chars().take(300).collect();
            format!("{message}; series {tags}")
        };
        let place = labels.place(tag).map_err(of)?;
        let part = class.and_then(tag).map(str::to_owned);
        let measured = times.iter().zip(column).filter_map(|(time, value)| Some((time, (*value)?)));
        let points = measured.map(|(time, value)| (time.div_euclid(60_000), value)).collect();
        let lines = lines.get_mut(series.query_index).ok_or("a series answers no query")?;
        lines.push(Line { place, part, points });
    }
    Ok(())
}
