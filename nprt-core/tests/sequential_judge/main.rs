//! The judge by sequential rules: what it decides, and that a state that is written and read back goes on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use boon::{Compiler, Schemas};
use jiff::Timestamp;
use nprt_core::compare::{Decision, Judge, POLICY_SCHEMA, Policy, Preset};
use nprt_core::model::{Block, BlockData, MetricName, Track};

const START: i64 = 29_453_760;

fn after(minutes: i64) -> Timestamp {
    Timestamp::from_second(60 * (START + minutes)).unwrap()
}

/// Lognormal latencies of six pods of stable and two of the canary, the canary's so many times as slow.
fn minute(minute: i64, factor: f64, state: &mut u64) -> Vec<Block> {
    let mut uniform = || {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut latency = || 0.1 * (0.5 * ((0..12).map(|_| uniform()).sum::<f64>() - 6.0)).exp();
    let pod = |pod: usize| {
        let canary = pod >= 6;
        let factor = if canary { factor } else { 1.0 };
        let samples = (0..75).map(|_| factor * latency()).collect();
        Block {
            minute: START + minute,
            track: if canary { Track::Canary } else { Track::Stable },
            version: None,
            pod: Some(format!("pod-{pod}")),
            route: None,
            metric: MetricName::new(MetricName::LATENCY).unwrap(),
            data: BlockData::Samples(samples),
        }
    };
    (0..if minute < 0 { 6 } else { 8 }).map(pod).collect()
}

fn judge(state: &mut u64) -> Judge {
    let mut judge = Judge::new(Policy::preset(Preset::Default), after(0)).unwrap();
    for block in (-60..0).flat_map(|at| minute(at, 1.0, state)) {
        judge.observe_history(&block).unwrap();
    }
    judge
}

#[test]
fn a_slower_canary_is_found_and_one_as_good_passes() {
    for (factor, expected) in [(1.25, "regression"), (1.0, "pass")] {
        let random = &mut 7;
        let mut judge = judge(random);
        let mut decided = None;
        for at in 0..120 {
            minute(at, factor, random).iter().for_each(|block| judge.observe(block).unwrap());
            let verdict = judge.verdict(after(at + 1));
            if !matches!(verdict.decision, Decision::Inconclusive { .. }) {
                decided = Some((verdict.decision.as_str(), at + 1));
                break;
            }
        }
        let (decision, minute) = decided.expect("a decision in two hours");
        assert_eq!(decision, expected, "after {minute} min");
        assert!(if factor > 1.0 { minute <= 8 } else { minute >= 15 }, "{decision} after {minute} min");
    }
}

#[test]
fn a_state_that_is_written_and_read_back_goes_on_to_the_same_verdicts() {
    let random = &mut 3;
    let mut judge = judge(random);
    let mut other = judge.clone();
    for at in 0..12 {
        for block in minute(at, 1.1, random) {
            judge.observe(&block).unwrap();
            other.observe(&block).unwrap();
            let text = serde_json::to_string(&other.state()).unwrap();
            other =
                Judge::resume(Policy::preset(Preset::Default), serde_json::from_str(&text).unwrap()).unwrap();
        }
        assert_eq!(judge.verdict(after(at + 1)), other.verdict(after(at + 1)));
    }
}

#[test]
fn blocks_in_any_order_and_repeated_give_the_same_verdict() {
    let random = &mut 5;
    let mut judge = judge(random);
    let mut other = judge.clone();
    for at in (0..12).step_by(2) {
        let blocks: Vec<_> = [at, at + 1].into_iter().flat_map(|at| minute(at, 1.1, random)).collect();
        blocks.iter().for_each(|block| judge.observe(block).unwrap());
        blocks.iter().rev().for_each(|block| other.observe(block).unwrap());
        blocks.iter().for_each(|block| other.observe(block).unwrap());
        assert_eq!(judge.verdict(after(at + 2)), other.verdict(after(at + 2)));
    }
}

#[test]
fn nothing_measured_never_passes() {
    let judge = Judge::new(Policy::preset(Preset::Default), after(0)).unwrap();
    assert!(matches!(judge.verdict(after(500)).decision, Decision::Inconclusive { .. }));
}

#[test]
fn the_schema_takes_every_preset_as_it_is_written() {
    let schema: serde_json::Value = serde_json::from_str(POLICY_SCHEMA).unwrap();
    let id = schema["$id"].as_str().unwrap().to_owned();
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource(&id, schema).unwrap();
    let index = compiler.compile(&id, &mut schemas).unwrap();
    for preset in Preset::ALL {
        let policy = Policy::preset(preset);
        policy.validate().unwrap();
        let value = serde_json::to_value(&policy).unwrap();
        assert_eq!(serde_json::from_value::<Policy>(value.clone()).unwrap(), policy);
        schemas.validate(&value, index).map_err(|error| error.to_string()).unwrap();
        let mut misspelt = value;
        misspelt["rules"][0]["mtric"] = "latency".into();
        assert!(schemas.validate(&misspelt, index).is_err());
    }
}
