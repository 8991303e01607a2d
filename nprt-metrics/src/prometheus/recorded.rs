use std::collections::BTreeMap;

use nprt_core::model::{Block, MetricName};
use nprt_core::{Error, Result};

use super::buckets::histograms;
use super::client::{Answer, Series};
use super::config::PrometheusConfig;
use super::series::{labels_of, read};
use crate::Labels;
use crate::assemble::{Cells, Point, classes, requests, values};

const OPERATION: &str = "prometheus.recorded";

/// Reads recorded answers of range queries (`api/v1/query_range`, step 60), one or several one after the other, into
/// blocks ordered by minute: what `nprt::compare::replay` judges.
///
/// As for the backend, a point ends its minute, counts are what a counter grew by in it, and labels say where it was
/// measured: `track` (`stable` or `canary`), `pod`, `route`, `version`. Which metric a series is says `metric`, or
/// else its label `metric`, or else its name (`label_replace(…, "metric", "latency", "", "")` sets one). What it is
/// made of says the series:
///
/// - those with a label `le` are a histogram's buckets;
/// - `errors` are errors, by the label `code`;
/// - `requests` are requests; of those with a label `code` 5xx are errors;
/// - the rest are values.
///
/// ```
/// use nprt_metrics::prometheus::recorded;
///
/// let answer = r#"{"status": "success", "data": {"resultType": "matrix", "result": [
///     {"metric": {"__name__": "requests", "track": "canary", "code": "200"}, "values": [[120, "97"]]},
///     {"metric": {"__name__": "requests", "track": "canary", "code": "503"}, "values": [[120, "3"]]}
/// ]}}"#;
/// let blocks = recorded(answer.as_bytes(), None)?;
/// let block = serde_json::to_string(&blocks[0])?;
/// assert_eq!(block, r#"{"minute":1,"track":"canary","metric":"requests","requests":100,"errors":3}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// `Invalid` for what is no such answer or none that says its metric; `Unexpected`, naming metric and series, for
/// what no blocks can be made of, such as several series of one place; `Unavailable` for an answer that the server
/// calls incomplete.
pub fn recorded(answers: &[u8], metric: Option<&MetricName>) -> Result<Vec<Block>> {
    let mut by_metric: BTreeMap<MetricName, Vec<Series>> = BTreeMap::new();
    for answer in serde_json::Deserializer::from_slice(answers).into_iter::<Answer<Vec<Series>>>() {
        let answer = answer
            .map_err(|error| Error::invalid(OPERATION, format!("no answer of a range query: {error}")))?;
        for series in answer.series()? {
            let name = metric.map_or_else(|| named(&series), |metric| Ok(metric.clone()));
            let name = name.map_err(|error| error.with("series", labels_of(&series)))?;
            by_metric.entry(name).or_default().push(series);
        }
    }
    let mut blocks = Vec::new();
    for (name, series) in &by_metric {
        blocks.extend(of_metric(name, series).map_err(|error| error.with("metric", name))?);
    }
    blocks.sort_by_key(|block| block.minute);
    Ok(blocks)
}

fn named(series: &Series) -> Result<MetricName> {
    match series.metric.get("metric").or_else(|| series.metric.get("__name__")) {
        Some(name) => MetricName::new(name),
        None => Err(Error::invalid(OPERATION, "neither a label `metric` nor a name says which metric it is")),
    }
}

fn of_metric(name: &MetricName, series: &[Series]) -> Result<Vec<Block>> {
    let labels = PrometheusConfig::new("").labels;
    let buckets = series.iter().any(|series| series.metric.contains_key("le"));
    let of = |series: &[&Series], part| points(&labels, series, part);
    let all: Vec<&Series> = series.iter().collect();
    let blocks = match name.as_str() {
        _ if buckets => histograms(name, of(&all, Some("le"))?),
        MetricName::ERRORS => classes(name, of(&all, Some(&labels.class))?),
        MetricName::REQUESTS => {
            let code = |series: &Series| series.metric.get(&labels.class).cloned();
            let failed =
                all.iter().copied().filter(|series| code(series).is_some_and(|code| is_failure(&code)));
            let failed: Vec<&Series> = failed.collect();
            requests(name, sums(of(&all, None)?), sums(of(&failed, None)?))
        }
        _ => values(name, of(&all, None)?),
    };
    blocks.map_err(|message| Error::new(nprt_core::ErrorKind::Unexpected, OPERATION, message))
}

fn points(labels: &Labels, series: &[&Series], part: Option<&str>) -> Result<Vec<Point>> {
    let mut points = Vec::new();
    for series in series {
        read(labels, series, part, &mut points).map_err(|message| {
            let error = Error::new(nprt_core::ErrorKind::Unexpected, OPERATION, message);
            error.with("series", labels_of(series))
        })?;
    }
    Ok(points)
}

/// Requests of all codes together.
fn sums(points: Vec<Point>) -> Vec<Point> {
    let mut sums: Cells<f64> = Cells::new();
    for Point { minute, place, value, .. } in points {
        *sums.entry((minute, place)).or_default() += value;
    }
    let point = |((minute, place), value)| Point { minute, place, part: None, value };
    sums.into_iter().map(point).collect()
}

fn is_failure(code: &str) -> bool {
    code.len() == 3 && code.starts_with('5')
}
