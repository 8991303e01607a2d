//! Points of time series become blocks: the part that query backends share.

use std::collections::BTreeMap;
use std::ops::Range;

use nprt_core::model::{Block, BlockData, MetricName, Track};

/// Where something was measured. The fields are in the order in which blocks are sorted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) track: Track,
    pub(crate) pod: Option<String>,
    pub(crate) route: Option<String>,
    pub(crate) version: Option<String>,
}

/// One number of a series.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub(crate) minute: i64,
    pub(crate) place: Place,
    /// The edge of a bucket, or the class of an error.
    pub(crate) part: Option<String>,
    pub(crate) value: f64,
}

/// By minute and place, and so in the order of an answer.
pub(crate) type Cells<T> = BTreeMap<(i64, Place), T>;

/// One gauge or aggregate a point.
pub(crate) fn values(metric: &MetricName, points: Vec<Point>) -> Result<Vec<Block>, String> {
    let finite = |value: f64| {
        if value.is_finite() { Ok(value) } else { Err(format!("expected a number, found {value}")) }
    };
    let cells = unique(points, finite)?;
    Ok(blocks(metric, cells, BlockData::Value))
}

/// Requests and errors. Without a point of errors there were none; errors beyond the requests, as rounding
/// may have it, are requests too.
pub(crate) fn requests(
    metric: &MetricName,
    requests: Vec<Point>,
    errors: Vec<Point>,
) -> Result<Vec<Block>, String> {
    let mut errors = unique(errors, count)?;
    let mut cells: Cells<(u64, u64)> = unique(requests, count)?
        .into_iter()
        .map(|(at, requests)| {
            let errors = errors.remove(&at).unwrap_or_default();
            (at, (requests.max(errors), errors))
        })
        .collect();
    cells.extend(errors.into_iter().map(|(at, errors)| (at, (errors, errors))));
    Ok(blocks(metric, cells, |(requests, errors)| BlockData::Requests { requests, errors }))
}

/// Errors by class; a class that was counted zero times did not occur.
pub(crate) fn classes(metric: &MetricName, points: Vec<Point>) -> Result<Vec<Block>, String> {
    let mut cells: Cells<BTreeMap<String, u64>> = BTreeMap::new();
    for Point { minute, place, part, value } in points {
        let count = count(value)?;
        let class = part.unwrap_or_else(|| "unclassified".to_owned());
        let cell = cells.entry((minute, place)).or_default();
        if cell.contains_key(&class) {
            return Err(SEVERAL.to_owned());
        }
        cell.insert(class, count);
    }
    Ok(blocks(metric, cells, |mut classes| {
        classes.retain(|_, count| *count > 0);
        BlockData::Classes(classes)
    }))
}

/// Splits minutes into requests of at most `most` each.
pub(crate) fn parts(minutes: Range<i64>, most: i64) -> impl Iterator<Item = Range<i64>> {
    let (mut start, end) = (minutes.start, minutes.end);
    std::iter::from_fn(move || {
        let part = start..start.saturating_add(most).min(end);
        start = part.end;
        (!part.is_empty()).then_some(part)
    })
}

pub(crate) const SEVERAL: &str =
    "several series have the same track, version, pod and route: the query must aggregate by {by}";

fn unique<T>(points: Vec<Point>, value: impl Fn(f64) -> Result<T, String>) -> Result<Cells<T>, String> {
    let mut cells = BTreeMap::new();
    for point in points {
        if cells.insert((point.minute, point.place), value(point.value)?).is_some() {
            return Err(SEVERAL.to_owned());
        }
    }
    Ok(cells)
}

pub(crate) fn blocks<T>(metric: &MetricName, cells: Cells<T>, data: impl Fn(T) -> BlockData) -> Vec<Block> {
    let block = |((minute, Place { track, pod, route, version }), cell)| Block {
        minute,
        track,
        version,
        pod,
        route,
        metric: metric.clone(),
        data: data(cell),
    };
    cells.into_iter().map(block).collect()
}

/// A fraction of one event below this is an error of rounding.
const NOISE: f64 = 1e-6;

/// A count, rounded: an extrapolated increase need not be whole. What happened never rounds to none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 2^53, as checked")]
pub(crate) fn count(value: f64) -> Result<u64, String> {
    if (0.0..=9_007_199_254_740_992.0).contains(&value) {
        Ok(if value > NOISE { value.round().max(1.0) as u64 } else { 0 })
    } else {
        Err(format!("expected a count, found {value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(part: &str, value: f64) -> Point {
        let place = Place { track: Track::Stable, pod: None, route: None, version: None };
        Point { minute: 1, place, part: Some(part.to_owned()), value }
    }

    fn metric() -> MetricName {
        MetricName::new("m").unwrap()
    }

    #[test]
    fn errors_without_requests_are_requests() {
        let only = requests(&metric(), vec![], vec![point("", 2.0)]).unwrap();
        assert_eq!(only[0].data, BlockData::Requests { requests: 2, errors: 2 });
        let both = requests(&metric(), vec![point("", 3.6)], vec![]).unwrap();
        assert_eq!(both[0].data, BlockData::Requests { requests: 4, errors: 0 });
        assert!(requests(&metric(), vec![point("", -1.0)], vec![]).is_err());
    }

    #[test]
    fn the_same_place_twice_is_refused() {
        assert!(values(&metric(), vec![point("", 1.0), point("", 1.0)]).is_err());
        assert!(values(&metric(), vec![point("", f64::INFINITY)]).is_err());
        assert!(classes(&metric(), vec![point("a", 1.0), point("a", 1.0)]).is_err());
        let little = classes(&metric(), vec![point("a", 0.3), point("b", 1e-12)]).unwrap();
        assert_eq!(little[0].data, BlockData::Classes(BTreeMap::from([("a".to_owned(), 1)])));
        let zero = classes(&metric(), vec![point("a", 0.0), point("b", 1.0)]).unwrap();
        assert_eq!(zero[0].data, BlockData::Classes(BTreeMap::from([("b".to_owned(), 1)])));
    }

    #[test]
    fn parts_cover_the_minutes_once() {
        assert_eq!(parts(0..5, 2).collect::<Vec<_>>(), [0..2, 2..4, 4..5]);
        assert_eq!(parts(3..3, 2).count(), 0);
    }
}
