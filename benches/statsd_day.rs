//! 50,000 samples a second of 100 services, for 24 simulated hours: the memory of the process must stay below 600 MB.
//!
//! Each service has 4 pods on 3 routes, stable and canary; each minute brings 30,000 samples of latency, and requests. They
//! come packed, 50 to a line, as DogStatsD's clients pack them.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a bench prints what it measures")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use nprt::memory::ManualClock;
use nprt::model::{MetricName, ServiceName, TimeRange};
use nprt::ports::{Clock, MetricQuery, MetricsBackend, Versions};
use nprt::statsd::{Aggregator, StatsdConfig};
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::{Distribution, LogNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

const SERVICES: usize = 100;
const SERIES: usize = 12;
const SAMPLES: usize = 30_000;
const PACKED: usize = 50;
const MOST: u64 = 600;

/// The largest size of the process so far, in MB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1000
}

/// Lines of one minute, but for the service: the same ones in another order come each minute.
fn lines(random: &mut impl Rng) -> Vec<String> {
    let times = LogNormal::new(3.0, 0.4).unwrap();
    let mut all = Vec::new();
    for n in 0..SAMPLES / PACKED {
        let values: Vec<String> = (0..PACKED).map(|_| format!("{:.3}", times.sample(random))).collect();
        all.push(format!("request.latency:{}|ms|#{}", values.join(":"), place(n % SERIES)));
    }
    all.extend((0..SERIES).map(|series| format!("request.count:2500|c|#{}", place(series))));
    all
}

fn place(series: usize) -> String {
    let (pod, route) = (series % 4, series / 4);
    let track = if pod == 0 { "canary" } else { "stable" };
    format!("track:{track},version:main-3f2a91c,pod:shop-7d9f8b6c5-x{pod}k2p,route:/api/v1/things/{route}")
}

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let hours: i64 = std::env::var("NPRT_HOURS").map_or(24, |hours| hours.parse().unwrap());
    let clock = Arc::new(ManualClock::default());
    let services = (0..SERVICES).map(|n| ServiceName::new(&format!("service-{n}")).unwrap()).collect();
    let mut config = StatsdConfig { services, ..StatsdConfig::default() };
    config.limits.memory_bytes = 500_000_000;
    let aggregator = Aggregator::new(&config, clock.clone()).unwrap();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
    // Eight different minutes, in turn.
    let minutes: Vec<Vec<String>> = (0..8).map(|_| lines(&mut random)).collect();
    let (start, mut samples) = (Instant::now(), 0);
    for minute in 0..hours * 60 {
        clock.advance(Duration::from_secs(60));
        for service in 0..SERVICES {
            let lines = &minutes[random.random_range(0..minutes.len())];
            for line in lines {
                aggregator.ingest(format!("{line},service:service-{service}").as_bytes());
            }
            samples += SAMPLES;
        }
        if minute % 60 == 59 {
            let stats = aggregator.stats();
            let taken: u64 = stats.services.values().map(|of| of.bytes).sum();
            let dropped: u64 = stats.services.values().map(|of| of.minutes_dropped).sum();
            println!(
                "hour {}: {} MB at the most, {} MB kept, {dropped} minutes given up early, {} lines refused",
                minute / 60 + 1,
                peak(),
                taken / 1_000_000,
                stats.refused
            );
        }
    }
    let took = start.elapsed();
    let range = TimeRange::before(clock.now(), Duration::from_secs(300 * 60));
    let metric = MetricName::new("latency").unwrap();
    let (service, versions) = (ServiceName::new("service-7").unwrap(), Versions::default());
    let query = MetricQuery { service, metric, range, versions };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answer = runtime.block_on(aggregator.blocks(&query)).unwrap();
    println!(
        "{samples} samples in {took:.0?}; {} blocks of a service are answered, quantiles within {:.2}%; {} MB at the most",
        answer.blocks.len(),
        100.0 * answer.evidence.quantile_error.unwrap_or_default(),
        peak()
    );
    assert!(peak() < MOST, "{} MB, of at most {MOST}", peak());
}
