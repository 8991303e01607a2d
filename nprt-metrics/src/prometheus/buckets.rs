use nprt_core::model::{Block, BlockData};

use crate::assemble::{Assembly, Cells, Line, SEVERAL, count};

/// Cumulative buckets become counts between edges. Where a query extrapolates, counts are rounded to whole
/// ones; where rounding makes a bucket smaller than the one below it, it counts as equal.
pub(super) fn histograms(assembly: Assembly<'_>, lines: &[Line]) -> Result<Vec<Block>, String> {
    let mut cells: Cells<'_, Vec<(f64, u64)>> = Cells::new();
    for Line { place, part, points } in lines {
        let part = part.as_deref().unwrap_or_default();
        let edge: f64 = part
            .parse()
            .ok()
            .filter(|edge: &f64| !edge.is_nan())
            .ok_or_else(|| format!("expected the label le to be the edge of a bucket, found {part:?}"))?;
        for &(minute, value) in points {
            cells.entry((minute, place)).or_default().push((edge, count(value)?));
        }
    }
    let mut histograms: Cells<'_, BlockData> = Cells::new();
    for (at, mut buckets) in cells {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        if buckets.windows(2).any(|pair| pair[0].0.total_cmp(&pair[1].0).is_eq()) {
            return Err(SEVERAL.to_owned());
        }
        let Some((edge, _)) = buckets.last().filter(|(edge, _)| edge.is_infinite()) else {
            return Err("expected a bucket with the edge +Inf".to_owned());
        };
        let edges = buckets.iter().map(|(edge, _)| *edge).filter(|e| e.total_cmp(edge).is_lt()).collect();
        let mut below = 0;
        let counts = buckets.iter().map(|(_, cumulative)| {
            let count = cumulative.saturating_sub(below);
            below = below.max(*cumulative);
            count
        });
        histograms.insert(at, BlockData::Histogram { counts: counts.collect(), edges });
    }
    assembly.blocks(histograms, |data| data)
}

#[cfg(test)]
mod tests {
    use nprt_core::model::{MetricName, Track};

    use super::*;
    use crate::assemble::Place;

    fn line(part: &str, value: f64) -> Line {
        let place = Place { track: Track::Stable, pod: None, route: None, version: None };
        Line { place, part: Some(part.to_owned()), points: vec![(1, value)] }
    }

    #[test]
    fn buckets_become_counts() {
        let assembly = Assembly { metric: &MetricName::new("m").unwrap(), max_blocks: 9 };
        let blocks = histograms(assembly, &[line("+Inf", 9.4), line("0.1", 2.6), line("1", 2.4)]).unwrap();
        let expected = BlockData::Histogram { edges: vec![0.1, 1.0], counts: vec![3, 0, 6] };
        assert_eq!(blocks[0].data, expected);
        for wrong in
            [vec![line("0.1", 1.0)], vec![line("x", 1.0)], vec![line("+Inf", 1.0), line("+Inf", 1.0)]]
        {
            assert!(histograms(assembly, &wrong).is_err());
        }
    }
}
