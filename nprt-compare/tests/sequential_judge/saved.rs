//! The form of a saved state: what one version writes, the next must read.

use nprt_compare::{Judge, JudgeState, Policy};
use nprt_core::model::{Block, BlockData, MetricName, Track};

use crate::world::*;

/// A state that was written after ten minutes. A form that differs needs a new version.
const SAVED: &str = include_str!("../data/judge-state.json");

/// One rule of each kind; of measurements one of samples and one of values.
fn policy() -> Policy {
    serde_json::from_str(
        r#"{"warm_up_minutes": 6, "rules": [
            {"rule": "measurements", "metric": "latency", "margin": {"relative": 0.05}},
            {"rule": "measurements", "metric": "cpu", "margin": {"relative": 0.05}, "quantiles": []},
            {"rule": "failures"},
            {"rule": "events", "metric": "restarts"},
            {"rule": "growth", "metric": "memory"},
            {"rule": "percentile", "metric": "latency", "percentile": 95, "margin": {"relative": 0.1}}]}"#,
    )
    .unwrap()
}

/// Two pods of stable and one of the canary, which is worse by all rules.
fn blocks(at: i64) -> Vec<Block> {
    let pods = [(Track::Stable, "a"), (Track::Stable, "b"), (Track::Canary, "c")];
    let of_pod = |(pod, (track, name)): (usize, (Track, &str))| {
        let worse = if track == Track::Canary { 1.0 } else { 0.0 };
        let draw = |n: i64| f64::from(u32::try_from((31 * at + 7 * n + pod as i64).rem_euclid(13)).unwrap());
        let latency = (0..6).map(|n| 0.1 * (1.0 + worse + draw(n) / 8.0)).collect();
        let errors = if track == Track::Canary || at % 3 == 0 { 2 } else { 0 };
        let class = if track == Track::Canary { "null pointer" } else { "timeout" };
        [
            (MetricName::LATENCY, BlockData::Samples(latency)),
            (MetricName::CPU, BlockData::Value(0.25 * (1.0 + 0.25 * worse + draw(1) / 64.0))),
            (MetricName::REQUESTS, BlockData::Requests { requests: 100, errors }),
            (MetricName::ERRORS, BlockData::Classes([(class.to_owned(), errors)].into())),
            ("restarts", BlockData::Value(worse)),
            (MetricName::MEMORY, BlockData::Value(2e8 * (1.0 + worse * (0.5 + at as f64 / 64.0)))),
        ]
        .map(|(metric, data)| block(at, track, name, metric, data))
    };
    pods.into_iter().enumerate().flat_map(of_pod).collect()
}

fn state() -> String {
    let mut judge = Judge::new(policy(), after(0)).unwrap();
    let history = (-4..0).flat_map(blocks).filter(|block| block.track == Track::Stable);
    history.for_each(|block| judge.observe_history(&block).unwrap());
    for at in 0..10 {
        blocks(at).iter().for_each(|block| judge.observe(block).unwrap());
        let _ = judge.verdict(after(at + 1));
    }
    serde_json::to_string(&judge.state()).unwrap()
}

/// Numbers with a fraction to nine digits: the last ones depend on the machine's logarithm.
fn rounded(json: &str) -> String {
    let is_number = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
    json.split_inclusive(|c| !is_number(c))
        .map(|piece| {
            let number = piece.trim_end_matches(|c| !is_number(c));
            match number.parse::<f64>() {
                Ok(value) if number.contains(['.', 'e']) => format!("{value:.8e}{}", &piece[number.len()..]),
                _ => piece.to_owned(),
            }
        })
        .collect()
}

#[test]
fn a_state_is_written_as_it_always_was() {
    let state = state();
    let at = rounded(&state).bytes().zip(rounded(SAVED.trim_end()).bytes()).position(|(a, b)| a != b);
    assert!(rounded(&state) == rounded(SAVED.trim_end()), "differs from byte {at:?} on:\n{state}");
}

#[test]
fn a_state_that_was_saved_is_read_and_written_back_byte_by_byte() {
    let read: JudgeState = serde_json::from_str(SAVED).unwrap();
    let judge = Judge::resume(policy(), read).unwrap();
    assert_eq!(serde_json::to_string(&judge.state()).unwrap(), SAVED.trim_end());
}
