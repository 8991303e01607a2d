//! `GET /api/v1/query`: what was there before version 2. It has no field for the interval: the query says it.

use std::ops::Range;

use nprt_core::model::Secret;
use nprt_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::Value;

use super::client::{Answer, Points, Series};
use super::query::by_the_minute;
use super::refused::incomplete;

const OPERATION: &str = "datadog.query";

/// Asks for a point a minute of a query. The last second of the range is named, since it is within.
pub(super) fn question(query: &str, minutes: &Range<i64>) -> [(&'static str, String); 3] {
    let seconds = |minute: i64| minute.saturating_mul(60);
    [
        ("from", seconds(minutes.start).to_string()),
        ("to", seconds(minutes.end).saturating_sub(1).to_string()),
        ("query", by_the_minute(query)),
    ]
}

#[derive(Deserialize)]
struct Envelope {
    status: Option<String>,
    series: Option<Vec<Row>>,
    #[serde(default)]
    error: Value,
    #[serde(default)]
    errors: Value,
    #[serde(default)]
    warnings: Value,
}

#[derive(Deserialize)]
struct Row {
    tag_set: Option<Vec<String>>,
    scope: Option<String>,
    interval: Option<i64>,
    #[serde(default)]
    pointlist: Vec<(f64, Option<f64>)>,
}

/// What the answer to query `index` holds.
pub(super) fn answer(body: &[u8], index: usize, most: Points, secrets: &[Secret]) -> Result<Answer> {
    // A point is a list of two.
    most.check_body(body, 3)?;
    let unexpected = |message: &str| Error::new(ErrorKind::Unexpected, OPERATION, message);
    let envelope: Envelope = serde_json::from_slice(body)
        .map_err(|error| unexpected("the answer is not Datadog's").with_source(error))?;
    let Envelope { status, series, error, errors, warnings } = envelope;
    let said = [("error", &error), ("errors", &errors), ("warnings", &warnings)];
    if let Some(error) = incomplete(said, secrets) {
        return Err(error);
    }
    if status.as_deref() != Some("ok") {
        let status: String = status.unwrap_or_default().chars().take(30).collect();
        return Err(unexpected("expected the status ok").with("status", status));
    }
    let rows = series.ok_or_else(|| unexpected("the answer has no series"))?;
    most.check(rows.iter().map(|row| row.pointlist.len()).sum())?;
    let series = rows.into_iter().map(|row| {
        let scope = || row.scope.iter().flat_map(|scope| scope.split(',')).map(str::to_owned).collect();
        let points = row.pointlist.iter().filter_map(|(time, value)| Some((whole(*time), (*value)?)));
        let points = points.collect();
        Series { tags: row.tag_set.unwrap_or_else(scope), query: index, points, interval: row.interval }
    });
    Ok(Answer { series: series.collect(), bytes: body.len() as u64, note: None })
}

/// A time is a whole number of milliseconds, written as a float.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float that is too large saturates, and is of no minute asked for"
)]
fn whole(milliseconds: f64) -> i64 {
    milliseconds.round() as i64
}
