use std::collections::BTreeMap;
use std::sync::Arc;

use nprt_core::model::MetricName;
use nprt_core::ports::Measured;
use nprt_core::{Error, ErrorKind, Result};

use super::answer::Matrix;
use super::buckets::EDGE;
use super::config::{MetricSource, PrometheusMetric};
use super::measure::Measure;
use super::profile::Profile;
use super::series::Series;
use super::words::Words;
use crate::MetricUnit;
use crate::assemble::Assembly;

const OPERATION: &str = "prometheus.recorded";

/// How recorded answers are read: the settings of the backend that they come from.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Which metric all series are; `None` where they say it themselves.
    pub metric: Option<MetricName>,
    /// The labels that say where something was measured and how requests ended. Of its metrics only the units count.
    pub source: MetricSource,
    /// The units of metrics that are not as the source has them.
    pub units: BTreeMap<MetricName, MetricUnit>,
}

impl Recording {
    /// As a producer that has this profile measures.
    #[must_use]
    pub fn of(profile: Profile) -> Self {
        Self { metric: None, source: profile.source(), units: BTreeMap::new() }
    }

    /// The unit of `metric`.
    fn unit(&self, metric: &MetricName) -> MetricUnit {
        let of_source = || match self.source.metrics.get(metric)? {
            PrometheusMetric::Histogram { unit, .. } | PrometheusMetric::Value { unit, .. } => Some(*unit),
            PrometheusMetric::Requests { .. } | PrometheusMetric::Classes { .. } => None,
        };
        self.units.get(metric).copied().or_else(of_source).unwrap_or_default()
    }
}

/// That of [`Profile::PrometheusClient`].
impl Default for Recording {
    fn default() -> Self {
        Self::of(Profile::PrometheusClient)
    }
}

/// Reads recorded answers of range queries (`api/v1/query_range`, step 60), one or several one after the other, into
/// what was measured of each metric, ordered by minute: what `nprt::compare::replay` judges.
///
/// It reads as the backend does: a point ends its minute, counts are what a counter grew by in it, labels say where it was
/// measured and how requests ended, and what is no measurement (NaN, a count below zero, a series of no track) is left
/// out. Which metric a series is says [`Recording::metric`], or else its label `metric`, or else its name
/// (`label_replace(…, "metric", "latency", "", "")` sets one). What it is made of says the series:
///
/// - those with a label `le` are a histogram's buckets;
/// - `errors` are errors, by the label of the class (`code`);
/// - `requests` are requests, by the labels of the status (`code`), which must say which of them failed;
/// - the rest are values.
///
/// ```
/// use nprt_core::model::BlockData;
/// use nprt_metrics::prometheus::{Recording, recorded};
///
/// let answer = r#"{"status": "success", "data": {"resultType": "matrix", "result": [
///     {"metric": {"__name__": "requests", "track": "canary", "code": "200"}, "values": [[120, "97"]]},
///     {"metric": {"__name__": "requests", "track": "canary", "code": "503"}, "values": [[120, "3"]]}
/// ]}}"#;
/// let measured = recorded(answer.as_bytes(), &Recording::default())?;
/// let block = &measured[&"requests".parse()?].blocks[0];
/// assert_eq!((block.minute, &block.data), (1, &BlockData::Requests { requests: 100, errors: 3 }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// `Invalid` for what is no such answer or none that says its metric; `Unexpected`, naming metric and series, for
/// what no blocks can be made of, such as requests whose status no label says; `Unavailable` for an answer that the
/// server calls incomplete; and what the server says went wrong.
pub fn recorded(answers: &[u8], recording: &Recording) -> Result<BTreeMap<MetricName, Measured>> {
    let mut by_metric: BTreeMap<MetricName, Vec<Series>> = BTreeMap::new();
    let mut notes = Vec::new();
    for answer in serde_json::Deserializer::from_slice(answers).into_iter::<Matrix>() {
        let answer = answer
            .map_err(|error| Error::invalid(OPERATION, format!("no answer of a range query: {error}")))?;
        let whole = answer.whole(Some("matrix"), &Words::default())?;
        notes.extend(whole.notes);
        for series in whole.result {
            let name = recording.metric.clone().map_or_else(|| named(&series), Ok);
            let name = name.map_err(|error| error.with("series", &series.metric))?;
            by_metric.entry(name).or_default().push(series);
        }
    }
    let (labels, status) = (&recording.source.labels, &recording.source.status);
    let (labels, status) = (Arc::new(labels.clone()), Arc::new(status.clone()));
    let mut all = BTreeMap::new();
    for (name, series) in by_metric {
        let metric = metric(&name, recording.unit(&name), &series);
        let measure =
            Measure { labels: Arc::clone(&labels), status: Arc::clone(&status), metric, forms: Vec::new() };
        // A file is as long as it is: what its reader allows is the limit.
        let assembly = Assembly { metric: &name, max_blocks: usize::MAX };
        let mut measured = Measured::default();
        notes.iter().for_each(|note| measured.note(note));
        measured.blocks = measure
            .blocks(assembly, vec![series], &mut measured)
            .map_err(|message| Error::new(ErrorKind::Unexpected, OPERATION, message).with("metric", &name))?;
        all.insert(name, measured);
    }
    Ok(all)
}

fn named(series: &Series) -> Result<MetricName> {
    match series.metric.get("metric").or_else(|| series.metric.get("__name__")) {
        Some(name) => MetricName::new(name),
        None => Err(Error::invalid(OPERATION, "neither a label `metric` nor a name says which metric it is")),
    }
}

/// What series of this name are, by their labels. They are answers already: there is no query.
fn metric(name: &MetricName, unit: MetricUnit, series: &[Series]) -> PrometheusMetric {
    let query = String::new();
    match name.as_str() {
        _ if series.iter().any(|series| series.metric.get(EDGE).is_some()) => {
            PrometheusMetric::Histogram { query, unit }
        }
        MetricName::ERRORS => PrometheusMetric::Classes { query },
        MetricName::REQUESTS => PrometheusMetric::Requests { requests: query, errors: None },
        _ => PrometheusMetric::Value { query, unit },
    }
}
