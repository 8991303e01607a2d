//! Against numpy, which searched a written-out grid and counted the samples: `tests/data/statistics/sketch.py`.

use nprt_compare::Percentile;
use nprt_compare::sketch::{Edge, Sketch};
use serde::Deserialize;

/// Floats are text; the last bin ends at `inf`.
#[derive(Deserialize)]
struct Reference {
    samples: Vec<String>,
    bins: Vec<(String, String, u64)>,
    limits: Vec<(String, String, u64)>,
    percentiles: Vec<(Percentile, String, String)>,
}

fn float(text: &str) -> f64 {
    text.parse().unwrap()
}

#[test]
fn every_edge_and_every_count_is_that_of_the_reference() {
    let reference: Reference = serde_json::from_str(include_str!("../data/statistics/sketch.json")).unwrap();
    let sketch: Sketch = reference.samples.iter().map(|text| float(text)).collect();
    assert_eq!(sketch.count(), reference.samples.len() as u64);

    assert_eq!(sketch.bins().count(), reference.bins.len());
    for (bin, (lower, upper, count)) in sketch.bins().zip(&reference.bins) {
        assert_eq!((bin.lower.value(), bin.upper.value(), bin.count), (float(lower), float(upper), *count));
    }
    for (limit, edge, count) in &reference.limits {
        let found = Edge::at_or_above(float(limit)).unwrap();
        assert_eq!((found.value(), sketch.count_at_or_above(found)), (float(edge), *count), "{limit}");
    }
    for (percentile, lower, upper) in &reference.percentiles {
        let bin = sketch.quantile(*percentile).unwrap();
        assert_eq!((bin.lower.value(), bin.upper.value()), (float(lower), float(upper)), "{percentile}");
    }
}
