use std::cmp::Ordering;

use nprt_core::model::{Block, BlockData};
use nprt_core::ports::{LeftOutReason, Measured};

use super::native::Natives;
use super::series::LabelSet;
use crate::assemble::{Assembly, Cells, Line, Place, SEVERAL, points};
use crate::sums::{Sums, rounded};

/// The label of a bucket's edge.
pub(super) const EDGE: &str = "le";

/// The edge that a series' bucket ends at.
pub(super) fn edge(labels: &LabelSet) -> Result<f64, String> {
    let text = labels.get(EDGE).unwrap_or_default();
    text.parse()
        .ok()
        .filter(|edge: &f64| !edge.is_nan())
        .ok_or_else(|| format!("expected the label {EDGE} to be the edge of a bucket, found {text:?}"))
}

/// Cumulative buckets become counts between edges. Those of one place and edge add up, however the edge is spelled:
/// half of a service's pods may say `1` and half `1.0`. Where a query extrapolates, counts are rounded to whole
/// ones; where rounding makes a bucket smaller than the one below it, it counts as equal. `natives` are those of places
/// and minutes that have no such buckets: where a pod has both kinds, they hold the same.
pub(super) fn histograms(
    assembly: Assembly<'_>,
    lines: &[Line<f64>],
    natives: Natives,
    left: &mut Measured,
) -> Result<Vec<Block>, String> {
    let mut sums: Sums<'_, Vec<(f64, f64)>> = Sums::default();
    for (at, edge, value) in points(lines) {
        if let Some(buckets) = sums.cell(at, value, left) {
            buckets.push((*edge, value));
        }
    }
    let some = !sums.good.is_empty();
    let mut histograms: Cells<'_, BlockData> = Cells::new();
    for (at, buckets) in sums.good {
        match histogram(buckets) {
            Some(data) => drop(histograms.insert(at, data)),
            None => left.leave_out(LeftOutReason::Malformed, at.0, at.1.track, 1),
        }
    }
    if some && histograms.is_empty() {
        return Err("expected a bucket with the edge +Inf".to_owned());
    }
    let (places, natives): (Vec<(i64, Place)>, Vec<BlockData>) = natives.into_iter().unzip();
    let mut all: Cells<'_, BlockData> = Cells::new();
    for ((minute, place), data) in places.iter().zip(natives) {
        if all.insert((*minute, place), data).is_some() {
            return Err(SEVERAL.to_owned());
        }
    }
    all.append(&mut histograms);
    assembly.blocks(all, |data| data)
}

/// Of buckets in any order; `None` without one that has all.
fn histogram(mut buckets: Vec<(f64, f64)>) -> Option<BlockData> {
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    buckets.dedup_by(|next, first| {
        // As numbers: -0 is 0.
        let same = next.0.partial_cmp(&first.0).is_some_and(Ordering::is_eq);
        if same {
            first.1 += next.1;
        }
        same
    });
    buckets.last().filter(|(edge, _)| edge.is_infinite())?;
    let edges = buckets.iter().map(|(edge, _)| *edge).take(buckets.len() - 1).collect();
    let mut below = 0;
    let counts = buckets.iter().map(|(_, cumulative)| {
        let cumulative = rounded(*cumulative);
        let count = cumulative.saturating_sub(below);
        below = below.max(cumulative);
        count
    });
    Some(BlockData::Histogram { counts: counts.collect(), edges })
}

/// The greatest relative error that a quantile of these histograms may have: half the width of the widest bucket that
/// holds something against its middle. What is above the last edge has no width.
pub(super) fn quantile_error(blocks: &[Block]) -> Option<f64> {
    let histograms = blocks.iter().filter_map(|block| match &block.data {
        BlockData::Histogram { edges, counts } => Some((edges, counts)),
        _ => None,
    });
    let errors = histograms.flat_map(|(edges, counts)| {
        let lower = [0.0].into_iter().chain(edges.iter().copied());
        let buckets = lower.zip(edges).zip(counts).filter(|(_, count)| **count > 0);
        buckets.map(|((low, high), _)| (high - low).abs() / (high.abs() + low.abs()))
    });
    errors.filter(|error| error.is_finite()).reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use nprt_core::model::{MetricName, Track};

    use super::*;
    use crate::assemble::total;

    fn line(part: f64, value: f64) -> Line<f64> {
        let place = Place { track: Track::Stable, pod: None, route: None, version: None };
        Line { place, part, points: vec![(1, value)] }
    }

    /// The edges, the counts, and how many points are left out.
    fn of(buckets: &[(f64, f64)]) -> Result<(Option<BlockData>, u64), String> {
        let assembly = Assembly { metric: &MetricName::new("m").unwrap(), max_blocks: 9 };
        let (mut left, lines) =
            (Measured::default(), buckets.iter().map(|(edge, value)| line(*edge, *value)));
        let blocks = histograms(assembly, &lines.collect::<Vec<_>>(), Vec::new(), &mut left)?;
        Ok((blocks.into_iter().next().map(|block| block.data), total(&left)))
    }

    #[test]
    fn buckets_become_counts() {
        let inf = f64::INFINITY;
        let expected = BlockData::Histogram { edges: vec![0.1, 1.0], counts: vec![3, 0, 6] };
        assert_eq!(of(&[(inf, 9.4), (0.1, 2.6), (1.0, 2.4)]).unwrap(), (Some(expected), 0));
        // Several series of a place, as where `le` is spelled in two ways.
        let expected = BlockData::Histogram { edges: vec![0.0, 1.0], counts: vec![3, 4, 2] };
        let twice = [(1.0, 3.0), (inf, 4.0), (0.0, 1.0), (inf, 5.0), (-0.0, 2.0), (1.0, 4.0)];
        assert_eq!(of(&twice).unwrap(), (Some(expected), 0));
    }

    #[test]
    fn what_is_not_whole_is_left_out() {
        assert_eq!(of(&[(0.1, f64::NAN), (f64::INFINITY, 9.0)]).unwrap(), (None, 1));
        assert_eq!(of(&[(0.1, 1.0), (f64::INFINITY, -9.0)]).unwrap(), (None, 1));
        assert!(of(&[(0.1, 1.0)]).is_err());
    }
}
