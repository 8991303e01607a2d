//! The statsd server: lines per second, parsed and ingested, beside the crate statsdproto (which splits a
//! line without allocating) and hdrhistogram in the same run.
//!
//! - *parse*: name, type, rate, every value as a number, every tag as a key and a value. statsdproto finds
//!   the fields; numbers and tags are read from them in the same way.
//! - *ingest*: lines become blocks by service, minute, track, version, pod and route. The alternative is the
//!   least that could do: statsdproto, and a histogram for each text of tags. It checks no tag, knows no
//!   minute, and keeps no exact samples.
//!
//! `cargo bench --bench statsd` prints criterion's figures and, last, both ratios.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench prints what it measures"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput};
use hdrhistogram::Histogram;
use nprt::memory::ManualClock;
use nprt::statsd::{Aggregator, Line, StatsdConfig, parse};
use statsdproto::statsd::StatsdPDU;

const PACKETS: usize = 1_000;
const LINES_A_PACKET: usize = 10;

/// Timings of six pods on five routes, as a DogStatsD client packs them into datagrams.
fn packets() -> Vec<Bytes> {
    let line = |n: usize| {
        let (pod, track) = if n.is_multiple_of(3) { ("canary-0", "canary") } else { ("stable", "stable") };
        format!(
            "request.latency:{}.{:03}|ms|@0.5|#service:shop,track:{track},version:main-3f2a91c,pod:shop-{pod}-{},route:/route/{}",
            n % 300,
            n % 1000,
            n % 2,
            n % 5
        )
    };
    let packet = |p: usize| {
        let lines: Vec<String> = (0..LINES_A_PACKET).map(|n| line(p * LINES_A_PACKET + n)).collect();
        Bytes::from(lines.join("\n"))
    };
    (0..PACKETS).map(packet).collect()
}

fn parse_all(packets: &[Bytes]) -> f64 {
    let mut sum = 0.0;
    for line in packets.iter().flat_map(|packet| packet.split(|byte| *byte == b'\n')) {
        let Ok(Line::Metric(metric)) = parse(line) else { continue };
        sum += metric.numbers().sum::<f64>() / metric.rate;
        sum += black_box(metric.tags().count() as f64) + black_box(metric.name.len() as f64);
    }
    sum
}

/// The lines of `packet`, each a view of it.
fn lines(packet: &Bytes) -> impl Iterator<Item = StatsdPDU> + '_ {
    packet.split(|byte| *byte == b'\n').filter_map(|line| StatsdPDU::new(packet.slice_ref(line)))
}

fn number(text: &[u8]) -> f64 {
    std::str::from_utf8(text).unwrap().parse().unwrap()
}

fn parse_all_statsdproto(packets: &[Bytes]) -> f64 {
    let mut sum = 0.0;
    for pdu in packets.iter().flat_map(lines) {
        sum += number(pdu.value()) / pdu.sample_rate().map_or(1.0, number);
        let tags = std::str::from_utf8(pdu.tags().unwrap_or_default()).unwrap();
        let tags = tags.split(',').map(|tag| tag.split_once(':').unwrap_or((tag, "")));
        sum += black_box(tags.count() as f64);
        sum += black_box(std::str::from_utf8(pdu.name()).unwrap().len() as f64);
    }
    sum
}

fn aggregator() -> Aggregator {
    Aggregator::new(&StatsdConfig::default(), Arc::new(ManualClock::default())).unwrap()
}

fn ingest(aggregator: &Aggregator, packets: &[Bytes]) {
    packets.iter().for_each(|packet| aggregator.ingest(packet));
}

fn ingest_histograms(packets: &[Bytes]) -> BTreeMap<Vec<u8>, Histogram<u64>> {
    let mut histograms: BTreeMap<Vec<u8>, Histogram<u64>> = BTreeMap::new();
    for pdu in packets.iter().flat_map(lines) {
        let tags = pdu.tags().unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below a minute")]
        let microseconds = (number(pdu.value()) * 1e3) as u64;
        if let Some(histogram) = histograms.get_mut(tags) {
            histogram.record(microseconds).unwrap();
        } else {
            let mut histogram = Histogram::new_with_bounds(1, 60_000_000, 3).unwrap();
            histogram.record(microseconds).unwrap();
            histograms.insert(tags.to_vec(), histogram);
        }
    }
    histograms
}

/// Lines per second, in millions; of the best run.
fn best(mut work: impl FnMut() -> f64) -> f64 {
    let fastest = (0..50).map(|_| work()).fold(f64::INFINITY, f64::min);
    (PACKETS * LINES_A_PACKET) as f64 / fastest / 1e6
}

fn timed<T>(work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    black_box(work());
    start.elapsed().as_secs_f64()
}

fn main() {
    let packets = packets();
    assert!((parse_all(&packets) - parse_all_statsdproto(&packets)).abs() < 1e-3, "both read the same");
    let check = aggregator();
    ingest(&check, &packets);
    assert_eq!(check.stats().used, (PACKETS * LINES_A_PACKET) as u64);

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("statsd");
    group.throughput(Throughput::Elements((PACKETS * LINES_A_PACKET) as u64));
    group.bench_function("parse", |b| b.iter(|| parse_all(&packets)));
    group.bench_function("parse, statsdproto", |b| b.iter(|| parse_all_statsdproto(&packets)));
    group.bench_function("ingest", |b| {
        b.iter_batched(
            aggregator,
            |aggregator| {
                ingest(&aggregator, &packets);
                aggregator
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("ingest, statsdproto and hdrhistogram", |b| {
        b.iter_with_large_drop(|| ingest_histograms(&packets));
    });
    group.finish();
    criterion.final_summary();

    // Without `--bench` this is a test run, possibly without optimisation: no ratio means anything there.
    if std::env::args().any(|argument| argument == "--bench") {
        let parse =
            [best(|| timed(|| parse_all(&packets))), best(|| timed(|| parse_all_statsdproto(&packets)))];
        let ingest = [
            best(|| {
                let aggregator = aggregator();
                timed(|| ingest(&aggregator, &packets))
            }),
            best(|| timed(|| ingest_histograms(&packets))),
        ];
        for (what, [ours, theirs]) in [("parse", parse), ("ingest", ingest)] {
            let ratio = ours / theirs;
            println!(
                "statsd, {what}: {ours:.1} million lines/s, the alternative {theirs:.1}, ratio {ratio:.2}"
            );
        }
    }
}
