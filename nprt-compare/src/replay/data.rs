use nprt_core::model::{BlockData, MetricName};
use nprt_core::{Error, Result};

use super::fields::{Fields, Histogram};
use super::line::Reasons;
use super::numbers::{Number, Numbers};

const KINDS: &str = "samples, histogram, value, requests with errors, classes";

/// The one kind of measurements that a line has, times in seconds, and how many of them are none; `None` where that is all
/// of them.
pub(super) fn data(fields: Fields, metric: &MetricName) -> Result<(Option<BlockData>, Reasons)> {
    let divisor = divisor(&fields, metric)?;
    let mut bad = Reasons::new();
    let mut leave_out = |reason| *bad.entry(reason).or_default() += 1;
    let Fields { samples, histogram, value, requests, errors, classes, .. } = fields;
    let requests = match (requests, errors) {
        (Some(requests), Some(errors)) => Some(BlockData::Requests { requests, errors }),
        (None, None) => None,
        (Some(_), None) => return Err(missing("errors").with("beside", "requests")),
        (None, Some(_)) => return Err(missing("requests").with("beside", "errors")),
    };
    let scaled = |mut numbers: Vec<f64>| {
        if let Some(divisor) = divisor {
            numbers.iter_mut().for_each(|number| *number /= divisor);
        }
        numbers
    };
    let samples = samples.map(|Numbers { good, bad }| {
        let is_measured = bad.is_empty() || !good.is_empty();
        bad.into_iter().for_each(&mut leave_out);
        is_measured.then(|| BlockData::Samples(scaled(good)))
    });
    let value = value.map(|Number(value)| {
        let value = value.map_err(&mut leave_out).ok()?;
        Some(BlockData::Value(divisor.map_or(value, |divisor| value / divisor)))
    });
    let mut given = [
        ("samples", samples),
        (
            "histogram",
            histogram.map(|Histogram { edges, counts }| {
                Some(BlockData::Histogram { edges: scaled(edges), counts })
            }),
        ),
        ("value", value),
        ("requests", requests.map(Some)),
        ("classes", classes.map(|classes| Some(BlockData::Classes(classes)))),
    ]
    .into_iter()
    .filter_map(|(field, data)| data.map(|data| (field, data)));
    match (given.next(), given.next()) {
        (Some((_, data)), None) => Ok((data, bad)),
        (Some((first, _)), Some((second, _))) => {
            let message = format!("two kinds of measurements, expected one of {KINDS}");
            Err(Error::invalid("replay.read", message).with("field", second).with("beside", first))
        }
        (None, _) => {
            let message = format!("no measurements, expected one of {KINDS}");
            Err(Error::invalid("replay.read", message).with("field", "samples"))
        }
    }
}

/// What measurements are divided by to be in seconds, where they are not.
fn divisor(fields: &Fields, metric: &MetricName) -> Result<Option<f64>> {
    let Some(unit) = &fields.unit else { return Ok(None) };
    let known = [MetricName::CPU, MetricName::MEMORY, MetricName::REQUESTS, MetricName::ERRORS];
    let counts = fields.requests.is_some() || fields.errors.is_some() || fields.classes.is_some();
    if counts || known.contains(&metric.as_str()) {
        let message = "only the samples, edges or value of a time have a unit";
        return Err(Error::invalid("replay.read", message).with("field", "unit").with("metric", metric));
    }
    match unit.as_str() {
        "s" => Ok(None),
        "ms" => Ok(Some(1e3)),
        "us" => Ok(Some(1e6)),
        "ns" => Ok(Some(1e9)),
        _ => Err(Error::invalid("replay.read", format!("unknown unit {unit:?}"))
            .with("field", "unit")
            .with_available(["s", "ms", "us", "ns"])),
    }
}

/// What is missing, and is needed.
pub(super) fn missing(field: &'static str) -> Error {
    Error::invalid("replay.read", "missing, and required").with("field", field)
}
