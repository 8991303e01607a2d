use std::collections::BTreeMap;

use nprt_core::model::{Block, MetricName};
use nprt_core::{Error, Result};

use super::buckets::histograms;
use super::client::Answer;
use super::config::PrometheusConfig;
use super::series::{Series, read};
use crate::Labels;
use crate::assemble::{Assembly, Line, Place};

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
            let name = name.map_err(|error| error.with("series", &series.metric))?;
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
    let labels = &PrometheusConfig::new("").labels;
    let buckets = series.iter().any(|series| series.metric.get("le").is_some());
    let of = |part| series.iter().map(move |series| line(labels, series, part));
    // A file is as long as it is: what its reader allows is the limit.
    let assembly = Assembly { metric: name, max_blocks: usize::MAX };
    let blocks = match name.as_str() {
        _ if buckets => histograms(assembly, &of(Some("le")).collect::<Result<Vec<_>>>()?),
        MetricName::ERRORS => assembly.classes(&of(Some(&labels.class)).collect::<Result<Vec<_>>>()?),
        MetricName::REQUESTS => {
            let all: Vec<Line> = of(Some(&labels.class)).collect::<Result<_>>()?;
            let failed = all.iter().filter(|line| line.part.as_deref().is_some_and(is_failure));
            assembly.requests(&sums(all.iter()), &sums(failed))
        }
        _ => assembly.values(&of(None).collect::<Result<Vec<_>>>()?),
    };
    blocks.map_err(|message| Error::new(nprt_core::ErrorKind::Unexpected, OPERATION, message))
}

fn line(labels: &Labels, series: &Series, part: Option<&str>) -> Result<Line> {
    read(labels, series, part).map_err(|message| {
        let error = Error::new(nprt_core::ErrorKind::Unexpected, OPERATION, message);
        error.with("series", &series.metric)
    })
}

/// Requests of all codes together.
fn sums<'a>(lines: impl Iterator<Item = &'a Line>) -> Vec<Line> {
    let mut sums: BTreeMap<&Place, BTreeMap<i64, f64>> = BTreeMap::new();
    for Line { place, points, .. } in lines {
        let sum = sums.entry(place).or_default();
        for (minute, value) in points {
            *sum.entry(*minute).or_default() += value;
        }
    }
    let line = |(place, points): (&Place, BTreeMap<i64, f64>)| Line {
        place: place.clone(),
        part: None,
        points: points.into_iter().collect(),
    };
    sums.into_iter().map(line).collect()
}

fn is_failure(code: &str) -> bool {
    code.len() == 3 && code.starts_with('5')
}
