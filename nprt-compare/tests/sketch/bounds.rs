//! What is no sample, and the ends of the range.

use nprt_compare::Percentile;
use nprt_compare::sketch::{Edge, Rejected, Sketch};

#[test]
fn what_is_no_sample_is_counted_by_kind_and_never_a_sample() {
    let values = [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, -f64::MIN_POSITIVE, -5e-324];
    let mut sketch: Sketch = values.into_iter().collect();
    assert_eq!(sketch.rejected(), Rejected { not_a_number: 2, infinite: 2, negative: 3 });
    assert_eq!((sketch.count(), sketch.quantile(Percentile::P50), sketch.bins().count()), (0, None, 0));
    sketch.add(1.0);
    sketch.extend(values);
    assert_eq!((sketch.count(), sketch.rejected().total()), (1, 14));
    assert!(values.map(Edge::at_or_above).iter().all(|edge| edge.as_ref().unwrap_err().is_invalid()));
}

#[test]
fn both_zeros_and_subnormal_numbers_are_zero() {
    let largest = f64::from_bits(f64::MIN_POSITIVE.to_bits() - 1);
    let sketch: Sketch = [0.0, -0.0, 5e-324, largest, f64::MIN_POSITIVE].into_iter().collect();
    let bins: Vec<_> = sketch.bins().map(|bin| (bin.lower.value(), bin.upper.value(), bin.count)).collect();
    let second = f64::MIN_POSITIVE * (1.0 + 1.0 / 128.0);
    assert_eq!(bins, [(0.0, f64::MIN_POSITIVE, 4), (f64::MIN_POSITIVE, second, 1)]);
    assert_eq!(Edge::at_or_above(-0.0).unwrap(), Edge::ZERO);
    assert_eq!(sketch.count_at_or_above(Edge::ZERO), 5);
    assert_eq!(sketch.count_at_or_above(Edge::at_or_above(5e-324).unwrap()), 1);
}

#[test]
fn the_last_bin_ends_at_infinity() {
    let sketch: Sketch = [f64::MAX].into_iter().collect();
    let bin = sketch.quantile(Percentile::P50).unwrap();
    assert!(bin.lower.value() <= f64::MAX && bin.upper.value().is_infinite());
    assert_eq!(Edge::at_or_above(f64::MAX).unwrap(), bin.upper);
    assert_eq!((sketch.count_at_or_above(bin.lower), sketch.count_at_or_above(bin.upper)), (1, 0));
}

#[test]
fn counts_stop_at_the_end_and_never_wrap() {
    let read = |count: u64| -> Sketch {
        serde_json::from_value(serde_json::json!({ "version": 1, "bins": [0, count, 130_944, count, 1, 7] }))
            .unwrap()
    };
    for (count, other) in [(u64::MAX, 1), (u64::MAX - 1, u64::MAX - 1), (u64::MAX / 2 + 1, u64::MAX / 2 + 1)]
    {
        let mut sketch = read(count);
        sketch.merge(&read(other));
        let counts: Vec<_> = sketch.bins().map(|bin| bin.count).collect();
        assert_eq!(counts, [u64::MAX, u64::MAX, 14]);
        sketch.extend([0.0, 1.0]);
        assert_eq!((sketch.count(), sketch.bins().next().unwrap().count), (u64::MAX, u64::MAX));
    }
    let mut half = read(u64::MAX / 2);
    half.merge(&read(u64::MAX / 2));
    assert_eq!(half.bins().nth(1).unwrap().count, u64::MAX - 1);
}
