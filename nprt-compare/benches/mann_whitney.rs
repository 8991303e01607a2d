//! The rank test of 10,000 against 10,000, without ties and with: its p-values beside scipy's
//! `mannwhitneyu(method="asymptotic")` of the same samples in the same run, and all of it, with Hodges and
//! Lehmann's estimate and Moses's interval, beside the median of all pairs of 3,000 against 3,000.
//!
//! `cargo bench -p nprt-core --bench mann_whitney` fails when the p-values are slower than scipy's or other
//! ones, when all of it takes 50 ms, or is not at least twice as fast as those fewer pairs. Python with scipy is
//! `python3` or what `NPRT_PYTHON` names; where there is none, it says so and leaves scipy out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench prints what it measures"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nprt_compare::statistics::mann_whitney::{MannWhitney, PValues};
use rand::SeedableRng;
use rand_distr::{Distribution, LogNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

fn main() {
    let mut latencies =
        LogNormal::new(0.1_f64.ln(), 0.5).unwrap().sample_iter(Xoshiro256PlusPlus::seed_from_u64(1));
    let mut sample = || -> Vec<f64> { latencies.by_ref().take(10_000).collect() };
    let (stable, canary) = (sample(), sample());
    let pairs = median(|| {
        let stable = stable.iter().take(3_000);
        let mut all: Vec<_> =
            canary.iter().take(3_000).flat_map(|c| stable.clone().map(move |s| c - s)).collect();
        let middle = all.len() / 2;
        black_box(all.select_nth_unstable_by(middle, f64::total_cmp).1);
    });
    println!("the median of all pairs of 3,000 against 3,000: {pairs:?}");
    let milliseconds =
        |values: &[f64]| -> Vec<f64> { values.iter().map(|value| (value * 1000.0).round()).collect() };
    let tied = (milliseconds(&stable), milliseconds(&canary));
    for (what, (stable, canary)) in [("without ties", (stable, canary)), ("with ties", tied)] {
        let p_values = median(|| {
            black_box(PValues::compare(&stable, &canary).unwrap());
        });
        let all = median(|| {
            black_box(MannWhitney::compare(&stable, &canary, 0.01).unwrap());
        });
        print!("10,000 against 10,000 {what}: p-values {p_values:?}, all of it {all:?}");
        assert!(all < Duration::from_millis(50) && 2 * all < pairs, "too slow");
        let Some((scipy, greater)) = scipy(&stable, &canary) else {
            println!("; no scipy here to compare with");
            continue;
        };
        println!(
            "; scipy {scipy:?}, {:.1} times the p-values, {:.1} times all of it",
            scipy.as_secs_f64() / p_values.as_secs_f64(),
            scipy.as_secs_f64() / all.as_secs_f64()
        );
        assert!(p_values < scipy, "slower than scipy");
        let ours = PValues::compare(&stable, &canary).unwrap().greater;
        assert!((ours - greater).abs() < 1e-9, "{ours} is not scipy's {greater}");
    }
}

/// The median time of 31 runs.
fn median(work: impl Fn()) -> Duration {
    let mut times: Vec<_> = (0..31)
        .map(|_| {
            let started = Instant::now();
            work();
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap()
}

/// The same by scipy: the median time of 31 runs, and the p-value.
const SCRIPT: &str = r#"
import sys, time
try:
    import numpy as np
    from scipy.stats import mannwhitneyu
except ImportError:
    sys.exit(3)
stable, canary = [np.array(line.split(), float) for line in sys.stdin]
times = []
for _ in range(31):
    started = time.perf_counter()
    p = mannwhitneyu(canary, stable, alternative="greater", method="asymptotic").pvalue
    times.append(time.perf_counter() - started)
print(sorted(times)[15], repr(float(p)))
"#;

/// `None` where there is no Python or no scipy.
fn scipy(stable: &[f64], canary: &[f64]) -> Option<(Duration, f64)> {
    let python = std::env::var("NPRT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut child = Command::new(python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut lines = String::new();
    for samples in [stable, canary] {
        samples.iter().for_each(|sample| write!(lines, "{sample} ").unwrap());
        lines.push('\n');
    }
    // Where scipy is missing nobody reads.
    let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
    let output = child.wait_with_output().unwrap();
    if output.status.code() == Some(3) {
        return None;
    }
    let text = String::from_utf8(output.stdout).unwrap();
    let (seconds, p) = text.trim().split_once(' ').expect("two numbers");
    Some((Duration::from_secs_f64(seconds.parse().unwrap()), p.parse().unwrap()))
}
