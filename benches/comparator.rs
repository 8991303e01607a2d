//! The comparator: samples per second from blocks to a verdict on p50, p95 and p99 of both tracks, beside
//! hdrhistogram doing the same work (record every sample, read the same percentiles) in the same run.
//!
//! `cargo bench --bench comparator` prints criterion's figures and, last, the ratio of the two; it fails
//! when the comparator is the slower.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench prints what it measures"
)]

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, Throughput};
use hdrhistogram::Histogram;
use nprt::compare::{Judge, Policy};
use nprt::model::{Block, BlockData, MetricName, Track};
use rand::SeedableRng;
use rand_distr::{Distribution, LogNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

const MINUTES: i64 = 60;
const SAMPLES_A_MINUTE: usize = 1_000;
const PERCENTILES: [f64; 3] = [50.0, 95.0, 99.0];

/// Both tracks for an hour, three of stable's samples for each of the canary's; lognormal.
fn blocks() -> Vec<Block> {
    let mut latencies =
        LogNormal::new(0.1_f64.ln(), 0.5).unwrap().sample_iter(Xoshiro256PlusPlus::seed_from_u64(1));
    let tracks = [(Track::Stable, 3 * SAMPLES_A_MINUTE / 4), (Track::Canary, SAMPLES_A_MINUTE / 4)];
    (0..MINUTES)
        .flat_map(|minute| tracks.map(|(track, count)| (minute, track, count)))
        .map(|(minute, track, count)| Block {
            minute,
            track,
            version: Some("main-0123456".to_owned()),
            pod: Some("shop-0".to_owned()),
            route: None,
            metric: MetricName::new(MetricName::LATENCY).unwrap(),
            data: BlockData::Samples(latencies.by_ref().take(count).collect()),
        })
        .collect()
}

fn policy() -> Policy {
    let rules: Vec<_> = PERCENTILES
        .iter()
        .map(|percentile| {
            serde_json::json!({
                "rule": "percentile",
                "metric": MetricName::LATENCY,
                "percentile": percentile,
                "margin": {"relative": 0.25},
            })
        })
        .collect();
    serde_json::from_value(serde_json::json!({ "window_minutes": MINUTES, "rules": rules })).unwrap()
}

fn ingest(policy: &Policy, blocks: &[Block]) -> Judge {
    let mut judge = Judge::new(policy.clone(), "1970-01-01T00:00:00Z".parse().unwrap()).unwrap();
    for block in blocks {
        judge.observe(block).unwrap();
    }
    judge
}

fn judge(policy: &Policy, blocks: &[Block]) -> bool {
    let verdict = ingest(policy, blocks).verdict("1970-01-01T01:00:00Z".parse().unwrap());
    verdict.metrics.iter().all(|metric| metric.decision.as_str() == "pass")
}

/// hdrhistogram counts whole numbers: microseconds, to three significant digits.
fn record(blocks: &[Block]) -> [Histogram<u64>; 2] {
    let mut tracks = [0, 1].map(|_| Histogram::new_with_bounds(1, 60_000_000, 3).unwrap());
    for block in blocks {
        let BlockData::Samples(samples) = &block.data else { continue };
        let histogram = &mut tracks[usize::from(block.track == Track::Canary)];
        for seconds in samples {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below a minute")]
            let microseconds = (seconds * 1e6) as u64;
            histogram.record(microseconds).unwrap();
        }
    }
    tracks
}

fn compare(blocks: &[Block]) -> bool {
    let [stable, canary] = record(blocks);
    PERCENTILES.iter().all(|&percentile| {
        let [stable, canary] = [&stable, &canary].map(|track| track.value_at_percentile(percentile) as f64);
        canary <= stable * 1.25
    })
}

fn best_of(runs: u32, work: impl Fn() -> bool) -> f64 {
    let seconds = |_| {
        let start = Instant::now();
        assert!(black_box(work()), "equal tracks pass");
        start.elapsed().as_secs_f64()
    };
    (0..runs).map(seconds).fold(f64::INFINITY, f64::min)
}

fn main() {
    let (policy, blocks) = (policy(), blocks());
    let count = blocks.iter().map(|block| match &block.data {
        BlockData::Samples(samples) => samples.len() as u64,
        _ => 0,
    });
    let count = count.sum::<u64>();

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("comparator");
    group.throughput(Throughput::Elements(count));
    group.bench_function("ingest", |b| b.iter(|| ingest(&policy, &blocks)));
    group.bench_function("ingest, hdrhistogram", |b| b.iter(|| record(&blocks)));
    group.bench_function("ingest and verdict", |b| b.iter(|| judge(&policy, &blocks)));
    group.bench_function("ingest and verdict, hdrhistogram", |b| b.iter(|| compare(&blocks)));
    group.finish();
    criterion.final_summary();

    // Without `--bench` this is a test run, possibly without optimisation: no ratio means anything there.
    if std::env::args().any(|argument| argument == "--bench") {
        let ours = count as f64 / best_of(50, || judge(&policy, &blocks)) / 1e6;
        let theirs = count as f64 / best_of(50, || compare(&blocks)) / 1e6;
        let ratio = ours / theirs;
        println!(
            "comparator: {ours:.0} million samples/s, hdrhistogram: {theirs:.0} million, ratio {ratio:.2}"
        );
        assert!(ratio >= 1.0, "slower than hdrhistogram");
    }
}
