//! The sketch beside sketches-ddsketch and hdrhistogram in the same run: samples counted, and two sketches of
//! 4,000 bins merged. The peers are set to the same width of a bin: DDSketch to a relative accuracy of 0.39 %,
//! hdrhistogram to two digits (it has the same 128 bins an octave). hdrhistogram counts whole numbers only, and
//! is given them: converting the samples is not on its time.
//!
//! `cargo bench --bench sketch` prints criterion's figures and, last, the ratios; it fails when the sketch is
//! slower than either, or than 5 ns a sample or 2 µs a merge.
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
use nprt::compare::sketch::Sketch;
use rand::SeedableRng;
use rand_distr::{Distribution, LogNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use sketches_ddsketch::{Config, DDSketch};

const SAMPLES: usize = 100_000;
const BINS: u32 = 4_000;
/// The first of the bins that are merged begins here.
const LOWEST: f64 = 1e-3;

/// Lognormal latencies in seconds.
fn latencies() -> Vec<f64> {
    let latencies =
        LogNormal::new(0.1_f64.ln(), 0.5).unwrap().sample_iter(Xoshiro256PlusPlus::seed_from_u64(1));
    latencies.take(SAMPLES).collect()
}

fn nanoseconds(seconds: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, below 2^53")]
    let nanoseconds = (seconds * 1e9) as u64;
    nanoseconds
}

fn ddsketch() -> DDSketch {
    DDSketch::new(Config::new(1.0 / 257.0, 4_096, 1e-9))
}

fn hdr() -> Histogram<u64> {
    Histogram::new_with_bounds(1, (1 << 40) - 1, 2).unwrap()
}

/// All three with 4,000 bins in use.
fn wide() -> (Sketch, DDSketch, Histogram<u64>) {
    let (mut ours, mut dd, mut hdr) = (Sketch::new(), ddsketch(), hdr());
    let gamma: f64 = 129.0 / 128.0;
    for bin in 0..BINS {
        let exact = f64::from_bits(LOWEST.to_bits() + (u64::from(bin) << 45));
        ours.add(exact);
        dd.add(LOWEST * gamma.powf(f64::from(bin) + 0.5));
        // From 256 on, as many bins an octave as ours.
        let (octave, part) = (bin / 128, bin % 128);
        hdr.record(u64::from(128 + part) << (octave + 1)).unwrap();
    }
    assert_eq!(ours.bins().count(), BINS as usize);
    assert_eq!(hdr.iter_recorded().count(), BINS as usize);
    assert!(dd.length() >= BINS as usize && dd.count() == BINS as usize);
    (ours, dd, hdr)
}

/// Nanoseconds of one piece of work, the best of many runs of `times`.
fn best(times: u32, mut work: impl FnMut()) -> f64 {
    let seconds = |_| {
        let start = Instant::now();
        (0..times).for_each(|_| work());
        start.elapsed().as_secs_f64()
    };
    (0..100).map(seconds).fold(f64::INFINITY, f64::min) / f64::from(times) * 1e9
}

/// Three pieces of the same work.
struct Race<O, D, H> {
    name: &'static str,
    elements: u32,
    limit_ns: f64,
    ours: O,
    ddsketch: D,
    hdr: H,
}

impl<O: FnMut(), D: FnMut(), H: FnMut()> Race<O, D, H> {
    fn run(mut self, criterion: &mut Criterion) {
        let mut group = criterion.benchmark_group(self.name);
        group.throughput(Throughput::Elements(u64::from(self.elements)));
        group.bench_function("nprt", |b| b.iter(&mut self.ours));
        group.bench_function("sketches-ddsketch", |b| b.iter(&mut self.ddsketch));
        group.bench_function("hdrhistogram", |b| b.iter(&mut self.hdr));
        group.finish();
        // Without `--bench` this is a test run, possibly without optimisation: no ratio means anything there.
        if std::env::args().any(|argument| argument == "--bench") {
            self.compare();
        }
    }

    fn compare(mut self) {
        let name = self.name;
        let times = if self.elements == 1 { 1_000 } else { 1 };
        let each = |work: &mut dyn FnMut()| best(times, work) / f64::from(self.elements);
        let (ours, dd, hdr) = (each(&mut self.ours), each(&mut self.ddsketch), each(&mut self.hdr));
        println!(
            "sketch, {name}: {ours:.2} ns (limit {:.0}); sketches-ddsketch {dd:.2} ns, ratio {:.2}; \
             hdrhistogram {hdr:.2} ns, ratio {:.2}",
            self.limit_ns,
            dd / ours,
            hdr / ours
        );
        assert!(ours <= self.limit_ns, "{name}: slower than the limit");
        assert!(ours <= dd && ours <= hdr, "{name}: slower than a peer");
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let samples = latencies();
    let whole: Vec<u64> = samples.iter().copied().map(nanoseconds).collect();
    let (mut ours, mut dd, mut histogram) = (Sketch::new(), ddsketch(), hdr());
    Race {
        name: "ingest of a sample",
        elements: u32::try_from(SAMPLES).unwrap(),
        limit_ns: 5.0,
        ours: || black_box(&samples).iter().for_each(|&sample| ours.add(sample)),
        ddsketch: || black_box(&samples).iter().for_each(|&sample| dd.add(sample)),
        hdr: || black_box(&whole).iter().for_each(|&sample| histogram.record(sample).unwrap()),
    }
    .run(&mut criterion);

    let others = wide();
    let (mut ours, mut dd, mut histogram) = others.clone();
    Race {
        name: "merge of 4,000 bins",
        elements: 1,
        limit_ns: 2_000.0,
        ours: || ours.merge(black_box(&others.0)),
        ddsketch: || dd.merge(black_box(&others.1)).unwrap(),
        hdr: || histogram.add(black_box(&others.2)).unwrap(),
    }
    .run(&mut criterion);
    criterion.final_summary();
}
