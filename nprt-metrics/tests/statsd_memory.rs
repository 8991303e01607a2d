//! What the statsd server allocates: nothing for a line, and no more than its limits allow for a flood.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(feature = "statsd")]

mod support;

use allocation_counter::measure;
use nprt_metrics::statsd::{Aggregator, StatsdConfig, parse};
use support::{clock_at, go_to};

const LINES: [&str; 6] = [
    "request.latency:0.25:0.5:0.125|d|@0.5|#service:shop,track:canary,version:main-3f2a91c,pod:a,route:/cart",
    "request.latency:12.5|ms|#service:shop,track:stable,version:main-0123456,pod:b,route:/cart",
    "request.count:7|c|@0.1|#service:shop,track:stable,pod:b",
    "request.errors:1|c|#service:shop,track:canary,pod:a,error:Timeout",
    "process.cpu:0.75|g|#service:shop,track:canary,pod:a",
    "process.cpu:+0.25|g|#service:shop,track:canary,pod:a",
];

#[test]
fn a_line_is_read_without_allocating() {
    let others =
        ["_e{5,4}:title|text", "_sc|up|0", "x", "x:1", ":1|c", "x:y|c", "x:1|q", "x:1|c|@7", "a\u{7}"];
    for line in LINES.iter().chain(&others) {
        let mut seen = 0;
        let allocated = measure(|| {
            if let Ok(nprt_metrics::statsd::Line::Metric(metric)) = parse(line.as_bytes()) {
                seen = metric.numbers().count() + metric.values().count() + metric.tags().count();
            }
        });
        assert_eq!(allocated.count_total, 0, "{line}");
        assert_eq!(seen > 0, LINES.contains(line), "{line}");
    }
}

#[test]
fn what_a_block_exists_for_allocates_nothing_but_room_for_samples() {
    let clock = clock_at(0);
    let aggregator = Aggregator::new(&StatsdConfig::default(), clock.clone()).unwrap();
    go_to(&clock, 1);
    let packet = LINES.join("\n");
    aggregator.ingest(packet.as_bytes());
    let without_samples = LINES[2..].join("\n");
    let allocated = measure(|| (0..1000).for_each(|_| aggregator.ingest(without_samples.as_bytes())));
    assert_eq!(allocated.count_total, 0);
    // Two blocks with 3,000 and 1,000 samples: until 64 wait to be counted, their room doubles; so does that of the counts.
    let allocated = measure(|| (0..1000).for_each(|_| aggregator.ingest(packet.as_bytes())));
    assert!(allocated.count_total <= 24, "{allocated:?}");
    assert_eq!(aggregator.stats().used, 6 * 1001 + 4 * 1000);
}
