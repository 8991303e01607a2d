//! Recorded series: samples per second from lines to verdicts, one for each minute of each run, beside
//! serde_json reading the same bytes into values and doing nothing with them, in the same run.
//!
//! `cargo bench --bench replay` prints criterion's figures and, last, samples per second and the ratio of the
//! two; it fails below a million.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench prints what it measures"
)]

use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, Throughput};
use nprt::compare::replay::{Record, Replay};
use nprt::compare::{Policy, Preset};
use rand::SeedableRng;
use rand_distr::{Distribution, LogNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::Value;

const RUNS: u64 = 10;
const MINUTES: u64 = 60;
/// A minute, of stable and of the canary.
const SAMPLES: [usize; 2] = [600, 200];

/// Latency of both tracks, lognormal, to the last digit; requests and errors beside it.
fn series() -> String {
    let mut latencies =
        LogNormal::new(0.1_f64.ln(), 0.5).unwrap().sample_iter(Xoshiro256PlusPlus::seed_from_u64(1));
    let mut text = String::new();
    for (run, minute) in (0..RUNS).flat_map(|run| (0..MINUTES).map(move |minute| (run, minute))) {
        for (track, count) in ["stable", "canary"].into_iter().zip(SAMPLES) {
            let samples: Vec<_> = latencies.by_ref().take(count).collect();
            let head = format!(r#"{{"run":{run},"minute":{minute},"track":"{track}","pod":"shop-0""#);
            writeln!(text, r#"{head},"metric":"latency","samples":{samples:?}}}"#).unwrap();
            writeln!(text, r#"{head},"metric":"requests","requests":{count},"errors":1}}"#).unwrap();
            writeln!(text, r#"{head},"metric":"errors","classes":{{"timeout":1}}}}"#).unwrap();
        }
    }
    text
}

fn judge(series: &str) -> usize {
    Replay::new(Policy::preset(Preset::Default), series.as_bytes()).unwrap().map(Result::unwrap).count()
}

fn read(series: &str) -> usize {
    series.lines().filter(|line| black_box(Record::read(line)).is_ok()).count()
}

fn values(series: &str) -> usize {
    series.lines().filter(|line| black_box(serde_json::from_str::<Value>(line)).is_ok()).count()
}

/// Seconds.
fn best_of(runs: u32, work: impl Fn() -> usize) -> f64 {
    let seconds = |_| {
        let start = Instant::now();
        black_box(work());
        start.elapsed().as_secs_f64()
    };
    (0..runs).map(seconds).fold(f64::INFINITY, f64::min)
}

fn main() {
    let series = series();
    let samples = RUNS * MINUTES * SAMPLES.iter().sum::<usize>() as u64;

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("replay");
    group.sample_size(20).throughput(Throughput::Elements(samples));
    group.bench_function("lines to verdicts", |b| b.iter(|| judge(&series)));
    group.bench_function("lines to records", |b| b.iter(|| read(&series)));
    group.bench_function("lines to serde_json's values", |b| b.iter(|| values(&series)));
    group.finish();
    criterion.final_summary();

    // Without `--bench` this is a test run, possibly without optimisation: no figure means anything there.
    if std::env::args().any(|argument| argument == "--bench") {
        let a_second = |seconds: f64| samples as f64 / seconds / 1e6;
        let (ours, theirs) =
            (a_second(best_of(10, || judge(&series))), a_second(best_of(10, || values(&series))));
        println!(
            "replay: {ours:.1} million samples/s to verdicts, serde_json: {theirs:.1} million to values, ratio {:.2}",
            ours / theirs
        );
        assert!(ours >= 1.0, "less than a million samples a second");
    }
}
