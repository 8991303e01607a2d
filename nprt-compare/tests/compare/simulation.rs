//! Simulated services from seeds: what is fine passes, what is worse does not. Each mutation of the
//! comparator (tracks swapped, margin dropped, tail cut off) breaks one of these.

use nprt_compare::{Judge, Verdict};
use nprt_core::model::Block;

use crate::blocks::*;

const SEEDS: std::ops::Range<u64> = 1..21;
const MINUTES: i64 = 30;

/// p95 and p99 of latency, and errors.
const RULES: &str = r#"
    {"rule": "percentile", "metric": "latency", "percentile": 95, "margin": {"relative": 0.15, "absolute": 0.01}},
    {"rule": "percentile", "metric": "latency", "percentile": 99, "margin": {"relative": 0.2, "absolute": 0.02}},
    {"rule": "errors", "min_requests": 500}"#;

/// splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About normal: the sum of twelve uniform numbers has variance 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// What a track is like.
#[derive(Clone, Copy)]
struct Effect {
    /// All latencies are this many times as long.
    factor: f64,
    /// So much of the requests,
    slow_share: f64,
    /// are so many seconds slower.
    slow_by: f64,
    /// So much of the requests fail with a class of their own.
    new_errors: f64,
}

const NONE: Effect = Effect { factor: 1.0, slow_share: 0.0, slow_by: 0.0, new_errors: 0.0 };

/// A minute of one track: lognormal latencies around 100 ms with a drift that both tracks share, and one
/// timeout in 200 requests.
fn minute(
    random: &mut Random,
    minute: i64,
    track: nprt_core::model::Track,
    count: u64,
    effect: Effect,
) -> Vec<Block> {
    let drift = 1.0 + 0.3 * (minute as f64 / 7.0).sin();
    let (mut seconds, mut timeouts, mut resets) = (vec![], 0, 0);
    for _ in 0..count {
        let mut latency = 0.1 * drift * effect.factor * (0.4 * random.normal()).exp();
        if random.uniform() < effect.slow_share {
            latency += effect.slow_by;
        }
        let fate = random.uniform();
        if fate < 0.005 {
            timeouts += 1;
        } else if fate < 0.005 + effect.new_errors {
            resets += 1;
        } else {
            seconds.push(latency);
        }
    }
    vec![
        latency(minute, track, &seconds),
        requests(minute, track, count, timeouts + resets),
        classes(minute, track, &[("timeout", timeouts), ("reset", resets)]),
    ]
}

fn simulate(seed: u64, stable: Effect, canary: Effect) -> Verdict {
    let random = &mut Random(seed);
    let mut judge: Judge = judge(RULES);
    for at in 0..MINUTES {
        for block in minute(random, at, Stable, 400, stable) {
            judge.observe(&block).unwrap();
        }
        for block in minute(random, at, Canary, 200, canary) {
            judge.observe(&block).unwrap();
        }
    }
    judge.verdict(after(MINUTES))
}

/// Every seed must come out so, by these rules.
fn expect(stable: Effect, canary: Effect, decision: &str, broken: &[&str]) {
    for seed in SEEDS {
        let verdict = simulate(seed, stable, canary);
        assert_eq!(verdict.decision.as_str(), decision, "seed {seed}: {}", verdict.reason);
        for metric in &verdict.metrics {
            let rule = format!("{} {}", metric.metric, metric.statistic);
            let expected = broken.iter().any(|broken| rule.starts_with(broken));
            assert_eq!(metric.decision.as_str() == "regression", expected, "seed {seed}: {}", metric.reason);
        }
    }
}

#[test]
fn a_fine_canary_passes() {
    expect(NONE, NONE, "pass", &[]);
}

#[test]
fn a_canary_within_the_margin_passes() {
    expect(NONE, Effect { factor: 1.03, ..NONE }, "pass", &[]);
}

#[test]
fn a_canary_beyond_the_margin_is_a_regression() {
    expect(NONE, Effect { factor: 1.4, ..NONE }, "regression", &["latency p95", "latency p99"]);
}

#[test]
fn a_faster_canary_passes() {
    expect(Effect { factor: 1.4, ..NONE }, NONE, "pass", &[]);
}

#[test]
fn a_slow_tail_is_a_regression_of_the_tail() {
    let slow_tail = Effect { slow_share: 0.015, slow_by: 1.0, ..NONE };
    expect(NONE, slow_tail, "regression", &["latency p99"]);
}

#[test]
fn a_new_class_of_errors_is_a_regression() {
    expect(NONE, Effect { new_errors: 0.002, ..NONE }, "regression", &["errors"]);
}

#[test]
fn a_class_that_only_stable_has_is_none() {
    expect(Effect { new_errors: 0.002, ..NONE }, NONE, "pass", &[]);
}
