//! The memory of a busy day, in small: two services of a hundred, each with 500 samples a second, for an hour; with
//! `NPRT_LONG` for four. The day itself, of all hundred, is `cargo bench --bench statsd_day`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(feature = "statsd")]

mod support;

use allocation_counter::measure;
use nprt_core::model::{BlockData, ServiceName};
use nprt_core::ports::{MetricQuery, MetricsBackend};
use nprt_metrics::statsd::{Aggregator, StatsdConfig};
use support::{clock_at, go_to, query};

/// What a minute of a service takes, over: a hundred services take 480 MB for 240 minutes.
const MINUTE_BYTES: usize = 20_000;
/// What each minute that runs takes, and the names.
const SERVICE_BYTES: usize = 400_000;
const SAMPLES: usize = 30_000;
const SERIES: usize = 12;

/// The lines of a minute: 50 samples each, as DogStatsD's clients pack them, of a distribution with a long tail.
fn lines(service: usize) -> Vec<String> {
    let sample = |n: usize| {
        let share = (n as f64 * 0.618_033_988_749_895).fract().clamp(1e-6, 1.0 - 1e-6);
        20.0 * (0.4 * (share / (1.0 - share)).ln() / 1.7).exp()
    };
    let line = |n: usize| {
        let values: Vec<String> = (0..50).map(|i| format!("{:.3}", sample(n * 50 + i))).collect();
        let (pod, route) = (n % SERIES % 4, n % SERIES / 4);
        let tags = format!(
            "service:s{service},track:stable,version:main-3f2a91c,pod:shop-7d9f8b6c5-{pod},route:/{route}"
        );
        format!("request.latency:{}|ms|#{tags}\nrequest.count:50|c|#{tags}", values.join(":"))
    };
    (0..SAMPLES / 50).map(line).collect()
}

#[tokio::test]
async fn samples_without_end_are_kept_for_the_whole_retention_in_the_room_there_is() {
    let clock = clock_at(0);
    let services = ["s0", "s1"].into_iter().map(|name| ServiceName::new(name).unwrap()).collect();
    let mut config = StatsdConfig { services, ..StatsdConfig::default() };
    let kept_minutes = if std::env::var_os("NPRT_LONG").is_some() { 240 } else { 60 };
    config.limits.retention_minutes = kept_minutes;
    let most = 2 * (kept_minutes as usize * MINUTE_BYTES + SERVICE_BYTES);
    config.limits.memory_bytes = most;
    let last = i64::from(kept_minutes) + 10;
    let packets: Vec<String> = (0..2).flat_map(lines).collect();
    let mut kept = None;
    let allocated = measure(|| {
        let aggregator = Aggregator::new(&config, clock.clone()).unwrap();
        for minute in 1..=last {
            go_to(&clock, minute);
            packets.iter().for_each(|packet| aggregator.ingest(packet.as_bytes()));
        }
        go_to(&clock, last + 1);
        kept = Some(aggregator);
    });
    let aggregator = kept.unwrap();
    let stats = aggregator.stats();
    assert_eq!((stats.refused, stats.services["s0"].minutes_dropped), (0, 0), "{stats:?}");
    assert!(allocated.bytes_max < most as u64, "{allocated:?}");
    // The oldest minute is there as a whole.
    let asked = MetricQuery { service: ServiceName::new("s1").unwrap(), ..query("latency", 12, 13) };
    let measured = aggregator.blocks(&asked).await.unwrap();
    let count = |data: &BlockData| if let BlockData::Samples(samples) = data { samples.len() } else { 0 };
    assert_eq!(measured.blocks.iter().map(|block| count(&block.data)).sum::<usize>(), SAMPLES);
    assert!(measured.evidence.quantile_error.is_some_and(|error| error < 0.004));
}
