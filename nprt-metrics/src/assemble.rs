//! Points of time series become blocks: the part that query backends share.

use std::collections::BTreeMap;
use std::ops::Range;

use nprt_core::model::{Block, BlockData, MetricName, Track};
#[cfg(feature = "prometheus")]
use nprt_core::ports::LeftOutReason;
use nprt_core::ports::Measured;

#[cfg(feature = "prometheus")]
use crate::RequestOutcome;
use crate::sums::{Sums, finite, rounded};

/// Where something was measured. The fields are in the order in which blocks are sorted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) track: Track,
    pub(crate) pod: Option<String>,
    pub(crate) route: Option<String>,
    pub(crate) version: Option<String>,
}

/// The numbers of one series. `P` tells the parts of a block from each other: an edge, a class, an outcome.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line<P = ()> {
    pub(crate) place: Place,
    pub(crate) part: P,
    /// What it was in each minute.
    pub(crate) points: Vec<(i64, f64)>,
}

/// The class of an error, where a series has one.
pub(crate) type Class = Option<String>;

/// By minute and place, and so in the order of an answer.
pub(crate) type Cells<'a, T> = BTreeMap<(i64, &'a Place), T>;

/// What blocks are made for, and how many there may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Assembly<'a> {
    pub(crate) metric: &'a MetricName,
    pub(crate) max_blocks: usize,
}

impl Assembly<'_> {
    /// One gauge or aggregate a point. One that is not finite is left out.
    pub(crate) fn values<P>(self, lines: &[Line<P>], left: &mut Measured) -> Result<Vec<Block>, String> {
        let mut cells = Cells::new();
        for (at, _, value) in points(lines) {
            if let Err(reason) = finite(value) {
                left.leave_out(reason, at.0, at.1.track, 1);
            } else if cells.insert(at, value).is_some() {
                return Err(SEVERAL.to_owned());
            }
        }
        self.blocks(cells, BlockData::Value)
    }

    /// Requests and errors. Without a point of errors there were none; errors beyond the requests, as rounding
    /// may have it, are requests too. A minute of which either is no count is left out: requests whose errors are
    /// unknown must not pass for successes.
    pub(crate) fn requests<P>(
        self,
        requests: &[Line<P>],
        errors: &[Line<P>],
        left: &mut Measured,
    ) -> Result<Vec<Block>, String> {
        let mut sums: Sums<'_, [Option<f64>; 2]> = Sums::default();
        for (which, lines) in [requests, errors].into_iter().enumerate() {
            for (at, _, value) in points(lines) {
                let cell = sums.cell(at, value, left);
                let known = cell.and_then(|cell| cell.get_mut(which));
                if known.is_some_and(|known| known.replace(value).is_some()) {
                    return Err(SEVERAL.to_owned());
                }
            }
        }
        self.counted(sums, |[requests, errors]| (requests.unwrap_or_default(), errors.unwrap_or_default()))
    }

    /// Requests by how each ended. A minute of which one number is no count, or in which a request ended in a way that
    /// nobody knows, is left out whole.
    #[cfg(feature = "prometheus")]
    pub(crate) fn outcomes(
        self,
        lines: &[Line<Option<RequestOutcome>>],
        left: &mut Measured,
    ) -> Result<Vec<Block>, String> {
        let mut sums: Sums<'_, (f64, f64)> = Sums::default();
        for (at, outcome, value) in points(lines) {
            if outcome.is_none() && rounded(value) > 0 {
                sums.spoil(at, LeftOutReason::UnknownStatus, left);
            }
            let Some((all, failed)) = sums.cell(at, value, left) else { continue };
            *all += value;
            if *outcome == Some(RequestOutcome::Failure) {
                *failed += value;
            }
        }
        self.counted(sums, |both| both)
    }

    fn counted<T>(self, sums: Sums<'_, T>, both: impl Fn(T) -> (f64, f64)) -> Result<Vec<Block>, String> {
        self.blocks(sums.good, |cell| {
            let (requests, errors) = both(cell);
            let errors = rounded(errors);
            BlockData::Requests { requests: rounded(requests).max(errors), errors }
        })
    }

    /// Errors by class; a class that was counted zero times did not occur. A minute of which one number is no count
    /// is left out whole.
    pub(crate) fn classes(self, lines: &[Line<Class>], left: &mut Measured) -> Result<Vec<Block>, String> {
        let mut sums: Sums<'_, BTreeMap<&str, u64>> = Sums::default();
        for (at, class, value) in points(lines) {
            let class = class.as_deref().unwrap_or("unclassified");
            let Some(cell) = sums.cell(at, value, left) else { continue };
            if cell.insert(class, rounded(value)).is_some() {
                return Err(SEVERAL.to_owned());
            }
        }
        self.blocks(sums.good, |classes| {
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

/// Every point of `lines`, with its minute and place and its part.
pub(crate) fn points<P>(lines: &[Line<P>]) -> impl Iterator<Item = ((i64, &Place), &P, f64)> {
    lines.iter().flat_map(|Line { place, part, points }| {
        points.iter().map(move |(minute, value)| ((*minute, place), part, *value))
    })
}

/// How many points are left out.
#[cfg(test)]
pub(crate) fn total(left: &Measured) -> u64 {
    left.left_out.iter().map(|left| left.points).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line<P>(part: P, value: f64) -> Line<P> {
        let place = Place { track: Track::Stable, pod: None, route: None, version: None };
        Line { place, part, points: vec![(1, value)] }
    }

    fn class(class: &str, value: f64) -> Line<Class> {
        line(Some(class.to_owned()), value)
    }

    /// What comes of it, and how many points are left out.
    fn all<T>(of: impl Fn(Assembly<'_>, &mut Measured) -> T) -> (T, u64) {
        let mut left = Measured::default();
        let made = of(Assembly { metric: &MetricName::new("m").unwrap(), max_blocks: 1 }, &mut left);
        (made, total(&left))
    }

    #[test]
    fn errors_without_requests_are_requests() {
        let requests = |requests: &[Line], errors: &[Line]| {
            let (blocks, left) = all(|blocks, left| blocks.requests(requests, errors, left));
            (blocks.unwrap().pop().map(|block| block.data), left)
        };
        let of = |requests, errors| Some(BlockData::Requests { requests, errors });
        assert_eq!(requests(&[], &[line((), 2.0)]), (of(2, 2), 0));
        assert_eq!(requests(&[line((), 3.6)], &[]), (of(4, 0), 0));
        assert_eq!(requests(&[line((), -1.0)], &[]), (None, 1));
        // Errors that are unknown are not none, and errors are not all requests.
        assert_eq!(requests(&[line((), 9.0)], &[line((), f64::NAN)]), (None, 1));
        assert_eq!(requests(&[line((), f64::INFINITY)], &[line((), 9.0)]), (None, 1));
    }

    #[cfg(feature = "prometheus")]
    #[test]
    fn requests_by_outcome_add_up() {
        use RequestOutcome::{Failure, Success};
        let of = |lines: &[(Option<RequestOutcome>, f64)]| {
            let lines: Vec<_> = lines.iter().map(|(outcome, value)| line(*outcome, *value)).collect();
            let (blocks, left) = all(|blocks, left| blocks.outcomes(&lines, left));
            (blocks.unwrap().pop().map(|block| block.data), left)
        };
        let [ok, failed] = [Some(Success), Some(Failure)];
        let lines = [(ok, 5.0), (ok, 2.0), (failed, 1.0), (failed, 0.4), (None, 0.0)];
        assert_eq!(of(&lines), (Some(BlockData::Requests { requests: 8, errors: 1 }), 0));
        assert_eq!(of(&[(ok, 5.0), (failed, f64::NAN), (failed, 1.0)]), (None, 1));
        assert_eq!(of(&[(None, 1.0), (ok, 5.0), (None, f64::NAN)]), (None, 1));
    }

    #[test]
    fn a_bad_point_costs_itself() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let two = Line { points: vec![(1, bad), (2, 0.5)], ..line((), 0.0) };
            let (blocks, left) = all(|blocks, left| blocks.values(std::slice::from_ref(&two), left));
            assert_eq!((blocks.unwrap()[0].data.clone(), left), (BlockData::Value(0.5), 1));
        }
        let classes = [class("a", 1.0), class("b", -1.0), class("c", 1.0)];
        let (blocks, left) = all(|blocks, left| blocks.classes(&classes, left));
        assert_eq!((blocks.unwrap(), left), (Vec::new(), 1));
    }

    #[test]
    fn the_same_place_twice_is_refused() {
        let values = |lines: &[Line]| all(|blocks, left| blocks.values(lines, left)).0;
        let classes = |lines: &[Line<Class>]| all(|blocks, left| blocks.classes(lines, left)).0;
        assert!(values(&[line((), 1.0), line((), 1.0)]).is_err());
        assert!(classes(&[class("a", 1.0), class("a", 1.0)]).is_err());
        let little = classes(&[class("a", 0.3), class("b", 1e-12)]).unwrap();
        assert_eq!(little[0].data, BlockData::Classes(BTreeMap::from([("a".to_owned(), 1)])));
        let zero = classes(&[class("a", 0.0), class("b", 1.0)]).unwrap();
        assert_eq!(zero[0].data, BlockData::Classes(BTreeMap::from([("b".to_owned(), 1)])));
    }

    #[test]
    fn more_blocks_than_allowed_are_an_error_that_names_the_option() {
        let two = Line { points: vec![(1, 1.0), (2, 1.0)], ..line((), 1.0) };
        let error = all(|blocks, left| blocks.values(std::slice::from_ref(&two), left)).0.unwrap_err();
        assert!(error.contains("2 blocks of at most 1") && error.contains("max_blocks"), "{error}");
    }

    #[test]
    fn parts_cover_the_minutes_once() {
        assert_eq!(parts(0..5, 2).collect::<Vec<_>>(), [0..2, 2..4, 4..5]);
        assert_eq!(parts(3..3, 2).count(), 0);
    }
}
