//! What comes from outside, bent at random: nothing panics, and nothing takes long. `NPRT_FUZZ_SECONDS=60` goes on for
//! longer.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects")]

use std::time::{Duration, Instant};

use jiff::Timestamp;
use nprt_compare::replay::{Record, Replay};
use nprt_compare::{Judge, JudgeState, Policy, Preset};
use nprt_core::model::{Block, BlockData, Digest, ImageName, ImageRef, MetricName, Tag, Track};
use serde_json::{Value, json};

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end.max(1) as u64).unwrap()
    }

    fn bytes(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut bent = seed.to_vec();
        for _ in 0..=self.below(5) {
            let at = self.below(bent.len() + 1);
            match self.below(3) {
                0 => bent.insert(at, u8::try_from(self.below(256)).unwrap()),
                1 => drop(bent.drain(at..(at + self.below(9)).min(bent.len()))),
                _ => {
                    let part = bent[..at].to_vec();
                    bent.extend(part);
                    bent.truncate(700);
                }
            }
        }
        bent
    }

    /// Changes one value somewhere in it.
    fn bend(&mut self, value: &mut Value) {
        let strange = [
            json!(0),
            json!(-1),
            json!(1),
            json!(i64::MAX),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(1e308),
            json!(-1e308),
            json!(1e-320),
            json!(0.5),
            json!(null),
            json!(""),
            json!("canary"),
            json!([]),
            json!({}),
            json!(29_000_000),
        ];
        match value {
            Value::Array(list) if !list.is_empty() && self.below(8) > 0 => {
                let at = self.below(list.len());
                match self.below(12) {
                    0 => drop(list.remove(at)),
                    1 => list.push(list[at].clone()),
                    2 => list.swap(0, at),
                    _ => self.bend(&mut list[at]),
                }
            }
            Value::Object(map) if !map.is_empty() && self.below(20) > 0 => {
                let at = self.below(map.len());
                let key = map.keys().nth(at).unwrap().clone();
                match self.below(20) {
                    0 => drop(map.remove(&key)),
                    1 => drop(map.insert("9223372036854775807".to_owned(), map[&key].clone())),
                    _ => self.bend(&mut map[&key]),
                }
            }
            other => *other = strange[self.below(strange.len())].clone(),
        }
    }
}

fn end() -> Instant {
    let seconds = std::env::var("NPRT_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    Instant::now() + Duration::from_secs(seconds)
}

const START: i64 = 29_000_000;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(minute * 60).unwrap()
}

/// What is measured in a minute.
fn blocks(minute: i64) -> Vec<Block> {
    let mut blocks = Vec::new();
    for track in [Track::Stable, Track::Canary] {
        for pod in ["a", "b"] {
            for (metric, data) in [
                ("latency", BlockData::Samples((1..40).map(|n| f64::from(n) / 100.0).collect())),
                ("cpu", BlockData::Value(0.25)),
                ("memory", BlockData::Value(1e8)),
                ("requests", BlockData::Requests { requests: 100, errors: 2 }),
                ("errors", BlockData::Classes([("timeout".to_owned(), 2)].into())),
            ] {
                let (version, pod) = (Some("v".to_owned()), Some(format!("{track}-{pod}")));
                let metric = MetricName::new(metric).unwrap();
                blocks.push(Block { minute, track, version, pod, route: None, metric, data });
            }
        }
    }
    blocks
}

fn judge(policy: &Policy) -> Judge {
    let mut judge = Judge::new(policy.clone(), at(START)).unwrap();
    for block in (START - 20..START).flat_map(blocks).filter(|block| block.track == Track::Stable) {
        judge.observe_history(&block).unwrap();
    }
    for minute in START..START + 12 {
        blocks(minute).iter().for_each(|block| judge.observe(block).unwrap());
    }
    judge.observe_refused(START + 3, 7);
    judge
}

#[test]
fn a_saved_state_that_was_bent_does_no_harm() {
    let policies: Vec<Policy> =
        [Preset::Default, Preset::Method, Preset::LowTraffic, Preset::Strict].map(Policy::preset).into();
    let states: Vec<(Policy, Value)> = policies
        .into_iter()
        .map(|policy| (policy.clone(), serde_json::to_value(judge(&policy).state()).unwrap()))
        .collect();
    for (policy, state) in &states {
        let read = serde_json::from_value::<JudgeState>(state.clone()).unwrap();
        assert_eq!(
            Judge::resume(policy.clone(), read).unwrap().verdict(at(START + 12)),
            judge(policy).verdict(at(START + 12))
        );
    }
    let (end, mut random, mut went_on) = (end(), Random(0x5eed_1234_5678_9abd), 0_u32);
    while Instant::now() < end {
        let (policy, state) = &states[random.below(states.len())];
        let mut state = state.clone();
        for _ in 0..=random.below(3) {
            random.bend(&mut state);
        }
        let (text, began) = (state.to_string(), Instant::now());
        let Ok(read) = serde_json::from_str::<JudgeState>(&text) else { continue };
        if let Ok(mut judge) = Judge::resume(policy.clone(), read) {
            went_on += 1;
            let _ = judge.verdict(at(START + 13));
            blocks(START + 13).iter().for_each(|block| drop(judge.observe(block)));
            let _ = judge.verdict(at(START + 14));
            let _ = serde_json::to_string(&judge.state());
        }
        assert!(began.elapsed() < Duration::from_secs(2), "{text}");
    }
    assert!(went_on > 0);
}

#[test]
fn names_of_images_and_lines_of_replays_that_were_bent_do_no_harm() {
    let (end, mut random) = (end(), Random(0x5eed_9abd_1234_5678));
    let line = br#"{"run": "cart-17", "minute": 29399040, "track": "canary", "pod": "cart-0", "metric": "latency", "unit": "ms", "samples": [12.5, 80]}"#;
    while Instant::now() < end {
        for seed in [&b"registry.example.com:5000/shop/cart:v1@sha256:0000000000000000000000000000000000000000000000000000000000000000"[..], b"host:5000/app", b"cart:feature-x-3f2a91c"] {
            let bent = random.bytes(seed);
            let text = String::from_utf8_lossy(&bent);
            let _ = (ImageRef::new(&text), ImageName::new(&text), Tag::new(&text), Digest::new(&text));
        }
        let bent = random.bytes(line);
        let _ = Record::read(&bent);
        if let Ok(replay) = Replay::new(Policy::preset(Preset::Default), bent.as_slice()) {
            let _ = replay.count();
        }
    }
}
