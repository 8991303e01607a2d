//! What a sketch allocates.

use allocation_counter::measure;
use nprt_compare::sketch::Sketch;

/// Lognormal, roughly: the sum of twelve uniforms is nearly normal.
fn latencies(seed: u64) -> impl Iterator<Item = f64> {
    let mut state = seed;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    std::iter::repeat_with(move || 0.1 * (0.8 * ((0..12).map(|_| uniform()).sum::<f64>() - 6.0)).exp())
}

#[test]
fn a_sample_allocates_nothing_once_its_page_is_there() {
    let samples: Vec<f64> = latencies(1).take(100_000).collect();
    let rejected = [f64::NAN, f64::INFINITY, -1.0, 0.0, -0.0, 5e-324];
    let mut sketch = Sketch::new();
    let first = measure(|| sketch.extend(samples.iter().copied()));
    let pages =
        sketch.bins().map(|bin| bin.lower.value().to_bits() >> 51).collect::<std::collections::BTreeSet<_>>();
    // One for each page, and a few for the growing list of them.
    assert!(first.count_total <= pages.len() as u64 + 8, "{first:?}, {} pages", pages.len());
    let again = measure(|| {
        for value in samples.iter().chain(&rejected) {
            sketch.add(*value);
        }
    });
    assert_eq!(again.count_total, 0);
    let other = sketch.clone();
    assert_eq!(measure(|| sketch.merge(&other)).count_total, 0);
    assert_eq!(sketch.count(), 2 * (2 * samples.len() as u64 + 3));
}

/// One of 200 times as many: stable's history, a minute of stable and one of the canary for each metric.
#[test]
fn a_thousand_services_of_twenty_metrics_fit() {
    let mut kept = Vec::with_capacity(300);
    let mut measured = measure(|| {
        for metric in 0_u64..100 {
            let of = |seed, count| latencies(3 * metric + seed).take(count).chain([0.0]).collect::<Sketch>();
            kept.extend([of(0, 20_000), of(1, 600), of(2, 200)]);
        }
    });
    measured.bytes_current *= 20_000 / 100;
    assert!(measured.bytes_current < 600_000_000, "{} MB", measured.bytes_current / 1_000_000);
    assert_eq!(kept.iter().map(Sketch::count).sum::<u64>(), 100 * (20_000 + 600 + 200 + 3));
}

#[test]
fn the_widest_possible_sketch_is_no_larger_than_its_docs_say() {
    let mut sketch = Sketch::new();
    let bins = (128_u64..262_016).rev().map(|bin| f64::from_bits(bin << 45));
    let measured = measure(|| sketch.extend(bins.clone()));
    assert_eq!((sketch.bins().count(), sketch.count()), (261_888, 261_888));
    assert!(measured.bytes_current < 2_200_000, "{measured:?}");
}
