//! Short ways to write blocks, policies and judges.

use jiff::Timestamp;
use nprt_compare::{Decision, Judge, Policy, Verdict};
use nprt_core::model::{Block, BlockData, MetricName, Track};

pub(crate) use nprt_core::model::Track::{Canary, Stable};

/// 2026-11-23T12:00Z, when every canary here starts.
pub(crate) const START: i64 = 29_923_920;

/// This many minutes after the start.
pub(crate) fn after(minutes: i64) -> Timestamp {
    Timestamp::from_second(60 * (START + minutes)).unwrap()
}

pub(crate) fn block(minute: i64, track: Track, metric: &str, data: BlockData) -> Block {
    Block {
        minute: START + minute,
        track,
        version: None,
        pod: None,
        route: None,
        metric: MetricName::new(metric).unwrap(),
        data,
    }
}

pub(crate) fn latency(minute: i64, track: Track, seconds: &[f64]) -> Block {
    block(minute, track, MetricName::LATENCY, BlockData::Samples(seconds.to_vec()))
}

pub(crate) fn histogram(minute: i64, track: Track, edges: &[f64], counts: &[u64]) -> Block {
    let data = BlockData::Histogram { edges: edges.to_vec(), counts: counts.to_vec() };
    block(minute, track, MetricName::LATENCY, data)
}

pub(crate) fn requests(minute: i64, track: Track, requests: u64, errors: u64) -> Block {
    block(minute, track, MetricName::REQUESTS, BlockData::Requests { requests, errors })
}

pub(crate) fn classes(minute: i64, track: Track, classes: &[(&str, u64)]) -> Block {
    let classes = classes.iter().map(|(class, count)| ((*class).to_owned(), *count)).collect();
    block(minute, track, MetricName::ERRORS, BlockData::Classes(classes))
}

pub(crate) fn gauge(minute: i64, track: Track, pod: &str, metric: &str, value: f64) -> Block {
    Block { pod: Some(pod.to_owned()), ..block(minute, track, metric, BlockData::Value(value)) }
}

/// A policy with these rules, a window of 60 minutes, a soak of 2 and a history of 100.
pub(crate) fn policy(rules: &str) -> Policy {
    let text =
        format!(r#"{{"window_minutes": 60, "soak_minutes": 2, "history_minutes": 100, "rules": [{rules}]}}"#);
    serde_json::from_str(&text).unwrap()
}

/// The median of latency, at most 10 % above stable, of 10 samples.
pub(crate) const MEDIAN: &str = r#"{"rule": "percentile", "metric": "latency", "percentile": 50,
    "margin": {"relative": 0.1}, "min_samples": 10}"#;

/// New errors, of 100 requests.
pub(crate) const ERRORS: &str = r#"{"rule": "errors", "min_requests": 100}"#;

pub(crate) fn judge(rules: &str) -> Judge {
    Judge::new(policy(rules), after(0)).unwrap()
}

/// Judges blocks, all of which must be accepted.
pub(crate) fn judged(rules: &str, blocks: &[Block], minutes: i64) -> Verdict {
    let mut judge = judge(rules);
    for block in blocks {
        judge.observe(block).unwrap();
    }
    judge.verdict(after(minutes))
}

pub(crate) fn is_inconclusive(verdict: &Verdict) -> bool {
    matches!(verdict.decision, Decision::Inconclusive { .. })
}
