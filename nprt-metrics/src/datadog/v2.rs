//! `POST /api/v2/query/timeseries`.

use std::ops::Range;

use nprt_core::model::Secret;
use nprt_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Answer, Points, Series};
use super::refused::incomplete;

const OPERATION: &str = "datadog.query";

/// Asks for a point a minute of each query.
pub(super) fn question(queries: &[String], minutes: &Range<i64>) -> Value {
    let milliseconds = |minute: i64| minute.saturating_mul(60_000);
    let name = |index: usize| format!("query{index}");
    let formulas: Vec<Value> = (0..queries.len()).map(|i| json!({"formula": name(i)})).collect();
    let queries = queries.iter().enumerate();
    let queries: Vec<Value> = queries
        .map(|(i, query)| json!({"data_source": "metrics", "name": name(i), "query": query}))
        .collect();
    json!({"data": {"type": "timeseries_request", "attributes": {
        "from": milliseconds(minutes.start),
        "to": milliseconds(minutes.end),
        "interval": 60_000,
        "queries": queries,
        "formulas": formulas,
    }}})
}

#[derive(Deserialize)]
struct Envelope {
    data: Option<Data>,
    #[serde(default)]
    errors: Value,
    #[serde(default)]
    warnings: Value,
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Data {
    attributes: Columns,
}

#[derive(Deserialize, Default)]
struct Meta {
    #[serde(default)]
    errors: Value,
    #[serde(default)]
    warnings: Value,
}

/// `values[i][j]` is what `series[i]` was at `times[j]` (in milliseconds), null where nothing was measured.
#[derive(Deserialize)]
struct Columns {
    #[serde(default)]
    series: Vec<Head>,
    #[serde(default)]
    times: Vec<i64>,
    #[serde(default)]
    values: Vec<Vec<Option<f64>>>,
    #[serde(default)]
    errors: Value,
    #[serde(default)]
    warnings: Value,
}

/// Which series a column is.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    group_tags: Option<Vec<String>>,
    /// Which of the queries asked it answers.
    #[serde(default)]
    query_index: usize,
}

/// What an answer holds. A minute without a measurement is a value, too, by our count.
pub(super) fn answer(body: &[u8], most: Points, secrets: &[Secret]) -> Result<Answer> {
    most.check_body(body, 1)?;
    let unexpected = |message: &str| Error::new(ErrorKind::Unexpected, OPERATION, message);
    let envelope: Envelope = serde_json::from_slice(body)
        .map_err(|error| unexpected("the answer is not Datadog's").with_source(error))?;
    let Envelope { data, errors, warnings, meta } = envelope;
    let meta = meta.unwrap_or_default();
    let of_meta = [("errors", &meta.errors), ("warnings", &meta.warnings)];
    if let Some(error) =
        incomplete([("errors", &errors), ("warnings", &warnings)].into_iter().chain(of_meta), secrets)
    {
        return Err(error);
    }
    let columns = data.ok_or_else(|| unexpected("the answer has no data"))?.attributes;
    let of_data = [("errors", &columns.errors), ("warnings", &columns.warnings)];
    if let Some(error) = incomplete(of_data, secrets) {
        return Err(error);
    }
    let Columns { series, times, values, .. } = columns;
    if values.len() != series.len() || values.iter().any(|column| column.len() != times.len()) {
        return Err(unexpected("expected a column a series, and in it a value a time"));
    }
    most.check(values.iter().map(Vec::len).sum())?;
    let series = series.into_iter().zip(values).map(|(head, column)| {
        let points = times.iter().zip(column).filter_map(|(time, value)| Some((*time, value?)));
        let tags = head.group_tags.unwrap_or_default();
        Series { tags, query: head.query_index, points: points.collect(), interval: None }
    });
    Ok(Answer { series: series.collect(), bytes: body.len() as u64, note: None })
}
