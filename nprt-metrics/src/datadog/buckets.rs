//! Cumulative counts at edges become the counts between them.

use nprt_core::model::{Block, BlockData};
use nprt_core::ports::{LeftOutReason, Measured};

use crate::assemble::{Assembly, Cells, Line, points};
use crate::sums::{Sums, rounded};

/// A count of what is at or below an edge.
type Bucket = (f64, f64);

/// A histogram a minute and place. One without a count of all is left out: what lies above the highest edge is not
/// known.
///
/// With `edges`, each histogram has these: Datadog has no point where it counted nothing, and what is at or below an
/// edge is at or below each higher one. Without, it has those that there are.
pub(super) fn histograms(
    assembly: Assembly<'_>,
    lines: &[Line<f64>],
    edges: Option<&[f64]>,
    measured: &mut Measured,
) -> Result<Vec<Block>, String> {
    let mut sums: Sums<'_, Vec<Bucket>> = Sums::default();
    for (at, edge, value) in points(lines) {
        if let Some(buckets) = sums.cell(at, value, measured) {
            add(buckets, (*edge, value));
        }
    }
    let mut histograms: Cells<'_, BlockData> = Cells::new();
    for (at, mut buckets) in sums.good {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        match buckets.pop().filter(|(edge, _)| edge.is_infinite()) {
            Some((_, all)) => drop(histograms.insert(at, histogram(&buckets, all, edges))),
            None => measured.leave_out(LeftOutReason::Malformed, at.0, at.1.track, 1),
        }
    }
    let error = histograms.values().filter_map(quantile_error).reduce(f64::max);
    measured.evidence.quantile_error = error;
    assembly.blocks(histograms, |data| data)
}

/// Buckets of the same edge, however it is spelled, add up.
fn add(buckets: &mut Vec<Bucket>, (edge, count): Bucket) {
    match buckets.iter_mut().find(|(known, _)| known.total_cmp(&edge).is_eq()) {
        Some((_, sum)) => *sum += count,
        None => buckets.push((edge, count)),
    }
}

/// Of ascending buckets and the count of all.
fn histogram(buckets: &[Bucket], all: f64, edges: Option<&[f64]>) -> BlockData {
    let edges: Vec<f64> = match edges {
        Some(edges) => edges.to_vec(),
        None => buckets.iter().map(|(edge, _)| *edge).collect(),
    };
    let mut below = 0;
    let at =
        |edge: &f64| buckets.iter().find(|(known, _)| known.total_cmp(edge).is_eq()).map(|(_, count)| *count);
    let counts = edges.iter().map(at).chain([Some(all)]).map(|count| {
        let cumulative = count.map_or(below, rounded).max(below);
        let count = cumulative - below;
        below = cumulative;
        count
    });
    BlockData::Histogram { counts: counts.collect(), edges }
}

/// Half the width of the widest bucket that has something in it, against its middle. What lies above the highest edge has
/// no width that is known.
fn quantile_error(data: &BlockData) -> Option<f64> {
    let BlockData::Histogram { edges, counts } = data else { return None };
    let lower = [0.0].into_iter().chain(edges.iter().copied());
    let buckets = lower.zip(edges).zip(counts).filter(|(_, count)| **count > 0);
    buckets
        .map(|((lower, upper), _)| (upper - lower) / (upper + lower))
        .filter(|error| error.is_finite())
        .reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use nprt_core::model::{MetricName, Track};

    use super::*;
    use crate::assemble::Place;

    fn of(buckets: &[Bucket], edges: Option<&[f64]>) -> (Option<BlockData>, Measured) {
        let place = Place { track: Track::Stable, pod: None, route: None, version: None };
        let line =
            |(edge, value): &Bucket| Line { place: place.clone(), part: *edge, points: vec![(1, *value)] };
        let lines: Vec<Line<f64>> = buckets.iter().map(line).collect();
        let (assembly, mut measured) =
            (Assembly { metric: &MetricName::new("m").unwrap(), max_blocks: 9 }, Measured::default());
        let blocks = histograms(assembly, &lines, edges, &mut measured).unwrap();
        (blocks.into_iter().next().map(|block| block.data), measured)
    }

    #[test]
    fn counts_at_edges_become_counts_between_them() {
        let inf = f64::INFINITY;
        let expected = |edges: &[f64], counts: &[u64]| {
            Some(BlockData::Histogram { edges: edges.to_vec(), counts: counts.to_vec() })
        };
        let (data, measured) = of(&[(inf, 9.4), (0.1, 2.6), (1.0, 2.4)], None);
        assert_eq!(data, expected(&[0.1, 1.0], &[3, 0, 6]));
        assert_eq!(measured.evidence.quantile_error, Some(1.0));
        // An edge without a point has as many below it as the one before.
        let (data, measured) = of(&[(inf, 5.0), (0.2, 3.0)], Some(&[0.1, 0.2, 0.4]));
        assert_eq!(data, expected(&[0.1, 0.2, 0.4], &[0, 3, 0, 2]));
        assert!((measured.evidence.quantile_error.unwrap() - 1.0 / 3.0).abs() < 1e-9);
        let (data, _) = of(&[(inf, 2.0), (inf, 3.0), (1.0, 1.0), (1.0, 1.0)], None);
        assert_eq!(data, expected(&[1.0], &[2, 3]));
    }

    #[test]
    fn without_a_count_of_all_or_with_one_that_is_none_it_is_left_out() {
        for buckets in [&[(0.1, 1.0)][..], &[(0.1, f64::NAN), (f64::INFINITY, 9.0)], &[(f64::INFINITY, -1.0)]]
        {
            let (data, measured) = of(buckets, None);
            assert_eq!((data, measured.left_out.len()), (None, 1), "{buckets:?}");
        }
    }
}
