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

/// The numbers of one series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) place: Place,
    /// The edge of a bucket, or the class of an error.
    pub(crate) part: Option<String>,
    /// What it was in each minute.
    pub(crate) points: Vec<(i64, f64)>,
}

/// By minute and place, and so in the order of an answer.
pub(crate) type Cells<'a, T> = BTreeMap<(i64, &'a Place), T>;

/// What blocks are made for, and how many there may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Assembly<'a> {
    pub(crate) metric: &'a MetricName,
    pub(crate) max_blocks: usize,
}

impl Assembly<'_> {
    /// One gauge or aggregate a point.
    pub(crate) fn values(self, lines: &[Line]) -> Result<Vec<Block>, String> {
        let finite = |value: f64| {
            if value.is_finite() { Ok(value) } else { Err(format!("expected a number, found {value}")) }
        };
        self.blocks(unique(lines, finite)?, BlockData::Value)
    }

    /// Requests and errors. Without a point of errors there were none; errors beyond the requests, as rounding
    /// may have it, are requests too.
    pub(crate) fn requests(self, requests: &[Line], errors: &[Line]) -> Result<Vec<Block>, String> {
        let mut errors = unique(errors, count)?;
        let mut cells: Cells<'_, (u64, u64)> = unique(requests, count)?
            .into_iter()
            .map(|(at, requests)| {
                let errors = errors.remove(&at).unwrap_or_default();
                (at, (requests.max(errors), errors))
            })
            .collect();
        cells.extend(errors.into_iter().map(|(at, errors)| (at, (errors, errors))));
        self.blocks(cells, |(requests, errors)| BlockData::Requests { requests, errors })
    }

    /// Errors by class; a class that was counted zero times did not occur.
    pub(crate) fn classes(self, lines: &[Line]) -> Result<Vec<Block>, String> {
        let mut cells: Cells<'_, BTreeMap<&str, u64>> = BTreeMap::new();
        for Line { place, part, points } in lines {
            let class = part.as_deref().unwrap_or("unclassified");
            for &(minute, value) in points {
                let count = count(value)?;
                if cells.entry((minute, place)).or_default().insert(class, count).is_some() {
                    return Err(SEVERAL.to_owned());
                }
            }
        }
        self.blocks(cells, |classes| {
            let occurred = classes.into_iter().filter(|(_, count)| *count > 0);
            BlockData::Classes(occurred.map(|(class, count)| (class.to_owned(), count)).collect())
        })
    }

    pub(crate) fn blocks<T>(
        self,
        cells: Cells<'_, T>,
        data: impl Fn(T) -> BlockData,
    ) -> Result<Vec<Block>, String> {
        let Self { metric, max_blocks } = self;
        if cells.len() > max_blocks {
            return Err(format!(
                "the answer makes {} blocks of at most {max_blocks}: aggregate more, or raise max_blocks",
                cells.len()
            ));
        }
        let block = |((minute, place), cell): ((i64, &Place), T)| Block {
            minute,
            track: place.track,
            version: place.version.clone(),
            pod: place.pod.clone(),
            route: place.route.clone(),
            metric: metric.clone(),
            data: data(cell),
        };
        Ok(cells.into_iter().map(block).collect())
    }
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

fn unique<T>(lines: &[Line], value: impl Fn(f64) -> Result<T, String>) -> Result<Cells<'_, T>, String> {
    let mut cells = BTreeMap::new();
    for Line { place, points, .. } in lines {
        for &(minute, number) in points {
            if cells.insert((minute, place), value(number)?).is_some() {
                return Err(SEVERAL.to_owned());
            }
        }
    }
    Ok(cells)
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

    fn line(part: &str, value: f64) -> Line {
        let place = Place { track: Track::Stable, pod: None, route: None, version: None };
        Line { place, part: Some(part.to_owned()), points: vec![(1, value)] }
    }

    fn all<T>(of: impl Fn(Assembly<'_>) -> T) -> T {
        of(Assembly { metric: &MetricName::new("m").unwrap(), max_blocks: 1 })
    }

    #[test]
    fn errors_without_requests_are_requests() {
        let requests = |requests: &[Line], errors: &[Line]| all(|blocks| blocks.requests(requests, errors));
        let only = requests(&[], &[line("", 2.0)]).unwrap();
        assert_eq!(only[0].data, BlockData::Requests { requests: 2, errors: 2 });
        let both = requests(&[line("", 3.6)], &[]).unwrap();
        assert_eq!(both[0].data, BlockData::Requests { requests: 4, errors: 0 });
        assert!(requests(&[line("", -1.0)], &[]).is_err());
    }

    #[test]
    fn the_same_place_twice_is_refused() {
        let values = |lines: &[Line]| all(|blocks| blocks.values(lines));
        let classes = |lines: &[Line]| all(|blocks| blocks.classes(lines));
        assert!(values(&[line("", 1.0), line("", 1.0)]).is_err());
        assert!(values(&[line("", f64::INFINITY)]).is_err());
        assert!(classes(&[line("a", 1.0), line("a", 1.0)]).is_err());
        let little = classes(&[line("a", 0.3), line("b", 1e-12)]).unwrap();
        assert_eq!(little[0].data, BlockData::Classes(BTreeMap::from([("a".to_owned(), 1)])));
        let zero = classes(&[line("a", 0.0), line("b", 1.0)]).unwrap();
        assert_eq!(zero[0].data, BlockData::Classes(BTreeMap::from([("b".to_owned(), 1)])));
    }

    #[test]
    fn more_blocks_than_allowed_are_an_error_that_names_the_option() {
        let two = Line { points: vec![(1, 1.0), (2, 1.0)], ..line("", 1.0) };
        let error = all(|blocks| blocks.values(std::slice::from_ref(&two))).unwrap_err();
        assert!(error.contains("2 blocks of at most 1") && error.contains("max_blocks"), "{error}");
    }

    #[test]
    fn parts_cover_the_minutes_once() {
        assert_eq!(parts(0..5, 2).collect::<Vec<_>>(), [0..2, 2..4, 4..5]);
        assert_eq!(parts(3..3, 2).count(), 0);
    }
}
