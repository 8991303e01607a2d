//! Runs of blocks, the same for the same seed.

use jiff::Timestamp;
use nprt_compare::{Decision, Judge, Policy, Preset};
use nprt_core::model::{Block, BlockData, MetricName, Track};

pub(super) const START: i64 = 29_453_760;

pub(super) fn after(minutes: i64) -> Timestamp {
    Timestamp::from_second(60 * (START + minutes)).unwrap()
}

pub(super) fn block(minute: i64, track: Track, pod: &str, metric: &str, data: BlockData) -> Block {
    let metric = MetricName::new(metric).unwrap();
    Block {
        minute: START + minute,
        track,
        version: None,
        pod: Some(pod.to_owned()),
        route: None,
        metric,
        data,
    }
}

/// Lognormal latencies of six pods of stable and two of the canary, the canary's so many times as slow.
pub(super) fn minute(minute: i64, factor: f64, state: &mut u64) -> Vec<Block> {
    let mut uniform = || {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut latency = || 0.1 * (0.5 * ((0..12).map(|_| uniform()).sum::<f64>() - 6.0)).exp();
    let of_pod = |pod: usize| {
        let track = if pod < 6 { Track::Stable } else { Track::Canary };
        let factor = if track == Track::Canary { factor } else { 1.0 };
        let samples = (0..75).map(|_| factor * latency()).collect();
        block(minute, track, &format!("pod-{pod}"), MetricName::LATENCY, BlockData::Samples(samples))
    };
    (0..if minute < 0 { 6 } else { 8 }).map(of_pod).collect()
}

pub(super) fn fresh() -> Judge {
    Judge::new(Policy::preset(Preset::Default), after(0)).unwrap()
}

/// One that has seen an hour of stable's past.
pub(super) fn judge(state: &mut u64) -> Judge {
    let mut judge = fresh();
    for block in (-60..0).flat_map(|at| minute(at, 1.0, state)) {
        judge.observe_history(&block).unwrap();
    }
    judge
}

/// The first decision within two hours, and the minutes that it took.
pub(super) fn decide(
    judge: &mut Judge,
    mut blocks: impl FnMut(i64) -> Vec<Block>,
) -> Option<(Decision, i64)> {
    (0..120).find_map(|at| {
        blocks(at).iter().for_each(|block| drop(judge.observe(block)));
        let decision = judge.verdict(after(at + 1)).decision;
        (!matches!(decision, Decision::Inconclusive { .. })).then_some((decision, at + 1))
    })
}
