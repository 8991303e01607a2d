//! One check of a canary by ranks and three quantiles: a minute of 600 latencies is folded into the evidence when a
//! verdict is asked for. Beside it, in the same run, what a judge pays that looks at the last hour anew each
//! minute, as Kayenta's does: the Mann-Whitney p-value of the same samples.
//!
//! `cargo bench -p nprt-core --bench check` fails when a check takes 50 µs, or, with what explains it, a fifth of that one look.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench prints what it measures"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nprt_compare::statistics::mann_whitney::PValues;
use nprt_compare::{Judge, Policy};
use nprt_core::model::{Block, BlockData, MetricName, Track};
use rand::SeedableRng;
use rand_distr::{Distribution, LogNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

const START: i64 = 29_453_760;
const HOUR: i64 = 60;
const POLICY: &str = r#"{"rules": [{"rule": "measurements", "metric": "latency", "quantiles":
    [{"percentile": 50, "gate": "both"}, {"percentile": 95, "gate": "both"}, {"percentile": 99, "gate": "both"}]}]}"#;

fn main() {
    let mut latencies =
        LogNormal::new(0.1_f64.ln(), 0.5).unwrap().sample_iter(Xoshiro256PlusPlus::seed_from_u64(1));
    let mut block = |minute: i64, track: Track, samples: usize| Block {
        minute: START + minute,
        track,
        version: None,
        pod: Some(format!("{track}-0")),
        route: None,
        metric: MetricName::new(MetricName::LATENCY).unwrap(),
        data: BlockData::Samples(latencies.by_ref().take(samples).collect()),
    };
    let mut judge = Judge::new(serde_json::from_str::<Policy>(POLICY).unwrap(), at(0)).unwrap();
    for minute in -HOUR..0 {
        judge.observe_history(&block(minute, Track::Stable, 450)).unwrap();
    }
    let minutes: Vec<[Block; 2]> = (0..2 * HOUR)
        .map(|minute| [block(minute, Track::Stable, 450), block(minute, Track::Canary, 150)])
        .collect();

    // Of a minute that was folded before, a verdict only explains: what the other one takes longer is the check.
    let told_at = |ago: i64| {
        best(|| {
            let mut judge = judge.clone();
            let mut took = Duration::ZERO;
            for (minute, blocks) in (1..).zip(&minutes) {
                blocks.iter().for_each(|block| judge.observe(black_box(block)).unwrap());
                let began = Instant::now();
                black_box(judge.verdict(at(minute - ago)));
                took += began.elapsed();
            }
            took / u32::try_from(minutes.len()).unwrap()
        })
    };
    let (verdict, explained) = (told_at(0), told_at(1));
    let check = verdict.saturating_sub(explained);
    let of = |track: usize| -> Vec<f64> {
        let last = minutes.iter().rev().take(60);
        last.flat_map(|blocks| match &blocks[track].data {
            BlockData::Samples(samples) => samples.clone(),
            _ => Vec::new(),
        })
        .collect()
    };
    let (stable, canary) = (of(0), of(1));
    let look = best(|| {
        let began = Instant::now();
        black_box(PValues::compare(&stable, &canary).unwrap());
        began.elapsed()
    });
    println!(
        "a check by ranks and 3 quantiles, both for a regression and for a pass: {check:?}, and {explained:?} to explain it; Mann-Whitney of the last hour: {look:?}, {:.0} times as long as both",
        look.as_secs_f64() / verdict.as_secs_f64()
    );
    assert!(check < Duration::from_micros(50) && verdict < look / 5, "too slow");
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(60 * (START + minute)).unwrap()
}

/// Of many, since others share the machine.
fn best(mut work: impl FnMut() -> Duration) -> Duration {
    (0..25).map(|_| work()).min().unwrap()
}
