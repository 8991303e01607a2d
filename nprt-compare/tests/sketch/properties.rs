//! For any samples, in any order, in any parts.

use nprt_compare::Percentile;
use nprt_compare::sketch::{Edge, JointBin, Sketch};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};

/// Anything that a float can be, and often what is measured, ties and zeros among it.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => (1_u32..50_000).prop_map(|micros| f64::from(micros) / 1e4),
        2 => any::<f64>(),
        1 => any::<u64>().prop_map(f64::from_bits),
        1 => Just(0.0),
    ]
}

fn samples_of(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|value| value.is_finite() && *value >= 0.0).collect()
}

/// What a sample counts as.
fn flushed(sample: f64) -> f64 {
    if sample < f64::MIN_POSITIVE { 0.0 } else { sample }
}

proptest! {
    #[test]
    fn merged_parts_equal_the_whole_bit_by_bit(
        values in vec((value(), 0_usize..4), 0..300), order in Just([0, 1, 2, 3]).prop_shuffle(),
    ) {
        let whole: Sketch = values.iter().map(|&(value, _)| value).collect();
        let part = |of: usize| values.iter().filter(move |&&(_, part)| part == of).map(|&(value, _)| value);
        let mut merged = Sketch::new();
        for at in order {
            merged.merge(&part(at).collect());
        }
        prop_assert_eq!(&merged, &whole);
        prop_assert_eq!(serde_json::to_string(&merged).unwrap(), serde_json::to_string(&whole).unwrap());
    }

    #[test]
    fn order_does_not_matter(values in vec(value(), 0..100), shuffled in any::<u64>()) {
        let mut other = values.clone();
        other.sort_by_key(|value| value.to_bits().wrapping_mul(shuffled | 1));
        prop_assert_eq!(values.into_iter().collect::<Sketch>(), other.into_iter().collect::<Sketch>());
    }

    #[test]
    fn a_power_of_two_moves_every_edge_and_no_count(
        values in vec(0.0_f64..1e6, 0..100), exponent in -300_i32..300,
    ) {
        let scale = 2_f64.powi(exponent);
        let at = |factor: f64| values.iter().map(move |value| value * factor).collect::<Sketch>();
        let (plain, scaled) = (at(1.0), at(scale));
        prop_assert_eq!(plain.count(), scaled.count());
        for (bin, moved) in plain.bins().zip(scaled.bins()) {
            prop_assert_eq!(bin.lower.value() * scale, moved.lower.value());
            // Zero's bin ends where numbers stop being normal, at every scale.
            prop_assert!(bin.lower == Edge::ZERO || bin.upper.value() * scale == moved.upper.value());
            prop_assert_eq!(bin.count, moved.count);
        }
    }

    #[test]
    fn counts_at_edges_are_those_of_the_samples(values in vec(value(), 0..200), limit in value()) {
        let sketch: Sketch = values.iter().copied().collect();
        let samples = samples_of(&values);
        prop_assert_eq!(sketch.count(), samples.len() as u64);
        prop_assert_eq!(sketch.rejected().total(), (values.len() - samples.len()) as u64);
        for limit in samples_of(&[limit]).into_iter().chain(samples.iter().copied()) {
            let edge = Edge::at_or_above(limit).unwrap();
            let counted = samples.iter().filter(|&&sample| flushed(sample) >= edge.value()).count();
            prop_assert_eq!(sketch.count_at_or_above(edge), counted as u64);
        }
    }

    #[test]
    fn edges_are_close_around_every_value(value in value()) {
        let (Ok(below), Ok(above)) = (Edge::at_or_below(value), Edge::at_or_above(value)) else {
            prop_assert!(!value.is_finite() || value < 0.0);
            return Ok(());
        };
        prop_assert!(below.value() <= value && value <= above.value());
        prop_assert!(below == above || below == Edge::ZERO || above.value().is_infinite()
            || above.value() <= below.value() * (1.0 + 1.0 / 128.0));
        prop_assert_eq!(Edge::at_or_above(below.value()).unwrap(), below);
    }

    #[test]
    fn the_quantile_lies_in_its_bin(values in vec(value(), 0..200), percent in 1_u8..100) {
        let percentile = Percentile::new(f64::from(percent)).unwrap();
        let bin = values.iter().copied().collect::<Sketch>().quantile(percentile);
        let exact = percentile.of_samples(&mut samples_of(&values)).map(flushed);
        prop_assert_eq!(bin.is_some(), exact.is_some());
        if let (Some(bin), Some(exact)) = (bin, exact) {
            prop_assert!(bin.lower.value() <= exact && exact < bin.upper.value());
        }
    }

    #[test]
    fn joint_bins_are_those_of_both(first in vec(value(), 0..100), second in vec(value(), 0..100)) {
        let [first, second] = [first, second].map(|values| values.into_iter().collect::<Sketch>());
        let joint: Vec<JointBin> = first.joint(&second).collect();
        prop_assert!(joint.windows(2).all(|pair| pair[0].upper <= pair[1].lower));
        let side = |of: fn(&JointBin) -> u64| {
            joint.iter().map(move |bin| (bin.lower, bin.upper, of(bin))).filter(|bin| bin.2 > 0).collect::<Vec<_>>()
        };
        let bins = |of: &Sketch| of.bins().map(|bin| (bin.lower, bin.upper, bin.count)).collect::<Vec<_>>();
        prop_assert_eq!(side(|bin| bin.first), bins(&first));
        prop_assert_eq!(side(|bin| bin.second), bins(&second));
        prop_assert!(joint.iter().all(|bin| bin.first + bin.second > 0));
    }

    #[test]
    fn written_and_read_back(values in vec(value(), 0..100)) {
        let sketch: Sketch = values.into_iter().collect();
        let text = serde_json::to_string(&sketch).unwrap();
        prop_assert_eq!(serde_json::from_str::<Sketch>(&text).unwrap(), sketch);
    }
}
