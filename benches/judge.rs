//! A thousand services with 20 metrics of one route each, judged every minute: seconds of one core a minute and
//! memory.
//!
//! `cargo bench --bench judge` prints the figures; it fails above 2 s or 600 MB.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench prints what it measures"
)]

use std::fs;
use std::hint::black_box;
use std::time::Instant;

use jiff::Timestamp;
use nprt::compare::{Judge, MeasurementsRule, Policy, Preset, Rule};
use nprt::model::{Block, BlockData, MetricName, Track};
use rand::SeedableRng;
use rand_distr::{Distribution, LogNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

const METRICS: usize = 20;
const START: i64 = 29_453_760;
/// Samples a minute, of stable and of the canary.
const SAMPLES: [(Track, usize); 2] = [(Track::Stable, 75), (Track::Canary, 25)];
/// Minutes of the run.
const MINUTES: i64 = 20;

fn policy() -> Policy {
    let rule =
        |metric| Rule::Measurements(MeasurementsRule::of(MetricName::new(&format!("m{metric}")).unwrap()));
    Policy { rules: (0..METRICS).map(rule).collect(), ..Policy::preset(Preset::Default) }
}

/// A minute of one service, lognormal.
fn blocks(minute: i64, values: &mut impl Iterator<Item = f64>) -> Vec<Block> {
    let mut block = |metric: usize, track: Track, count: usize| Block {
        minute: START + minute,
        track,
        version: None,
        pod: Some("shop-0".to_owned()),
        route: None,
        metric: MetricName::new(&format!("m{metric}")).unwrap(),
        data: BlockData::Samples(values.by_ref().take(count).collect()),
    };
    (0..METRICS)
        .flat_map(|metric| SAMPLES.map(|(track, count)| (metric, track, count)))
        .map(|(metric, track, count)| block(metric, track, count))
        .collect()
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(60 * (START + minute)).unwrap()
}

/// Resident memory, in MB; `None` where the system does not say.
fn resident() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kilobytes| kilobytes / 1024.0)
}

fn main() {
    // Without `--bench` this is a test run, possibly without optimisation: no figure means anything there.
    let timed = std::env::args().any(|argument| argument == "--bench");
    let services = if timed { 1000 } else { 3 };
    let before = resident().unwrap_or(0.0);
    let values =
        &mut LogNormal::new(0.1_f64.ln(), 0.5).unwrap().sample_iter(Xoshiro256PlusPlus::seed_from_u64(1));
    let mut judges: Vec<Judge> = (0..services)
        .map(|_| {
            let mut judge = Judge::new(policy(), at(0)).unwrap();
            let past = (-60..0).flat_map(|minute| blocks(minute, values));
            for block in past.filter(|block| block.track == Track::Stable) {
                judge.observe_history(&block).unwrap();
            }
            blocks(0, values).iter().for_each(|block| judge.observe(block).unwrap());
            judge
        })
        .collect();
    let mut seconds = f64::INFINITY;
    // The first ten minutes, with a warm-up and little to merge, are not timed.
    for minute in 1..MINUTES {
        // The same blocks for all services: they are not what is measured.
        let blocks = blocks(minute, values);
        let start = Instant::now();
        for judge in &mut judges {
            blocks.iter().for_each(|block| judge.observe(block).unwrap());
            black_box(judge.verdict(at(minute + 1)));
        }
        // The least of all: other processes only ever add.
        if minute > 10 {
            seconds = seconds.min(start.elapsed().as_secs_f64());
        }
    }
    let memory = resident().unwrap_or(0.0) - before;
    println!(
        "judge: a minute of {services} services with {METRICS} metrics takes {seconds:.2} s of one core and {memory:.0} MB: \
         {:.1} µs a metric",
        1e6 * seconds / (services * METRICS) as f64
    );
    if timed {
        assert!(seconds < 2.0, "more than 2 s");
        assert!(memory < 600.0, "more than 600 MB");
    }
}
