//! The rank test of 10,000 against 10,000: p-values, Hodges-Lehmann estimate and Moses's interval, all in
//! one, beside the median of all pairs of 3,000 against 3,000 in the same run. `cargo bench -p nprt-core`
//! fails when it takes 50 ms or is not at least twice as fast as those fewer pairs.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a bench prints what it measures")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use nprt_core::compare::test::mann_whitney::MannWhitney;

fn main() {
    let mut state = 1_u64;
    let mut sample = |count| -> Vec<f64> {
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        (0..count).map(|_| 0.1 * (0.5 * ((0..12).map(|_| uniform()).sum::<f64>() - 6.0)).exp()).collect()
    };
    let (stable, canary) = (sample(10_000), sample(10_000));
    let tied = |values: &[f64]| -> Vec<f64> { values.iter().map(|value| (value * 1000.0).round()).collect() };
    let (tied_stable, tied_canary) = (tied(&stable), tied(&canary));
    let ours = median(|| compare(&stable, &canary));
    let ties = median(|| compare(&tied_stable, &tied_canary));
    let pairs = median(|| {
        let stable = stable.iter().take(3_000);
        let mut all: Vec<_> =
            canary.iter().take(3_000).flat_map(|c| stable.clone().map(move |s| c - s)).collect();
        let middle = all.len() / 2;
        black_box(all.select_nth_unstable_by(middle, f64::total_cmp).1);
    });
    println!(
        "10,000 against 10,000: {ours:?}; with ties {ties:?}; all pairs of 3,000 against 3,000: {pairs:?}"
    );
    assert!(ours.max(ties) < Duration::from_millis(50) && 2 * ours < pairs, "too slow");
}

fn compare(stable: &[f64], canary: &[f64]) {
    black_box(MannWhitney::compare(stable, canary, 0.01).unwrap());
}

/// The median time of eleven runs.
fn median(work: impl Fn()) -> Duration {
    let mut times: Vec<_> = (0..11)
        .map(|_| {
            let started = Instant::now();
            work();
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap()
}
