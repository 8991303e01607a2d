//! Each kind of rule, on what it is for.

use nprt_compare::{Decision, Judge, Policy, Preset};
use nprt_core::model::{Block, BlockData, MetricName, Track};

use crate::world::*;

/// What six pods of stable and two of the canary measured in a minute, from their number and a draw of 0 to 1.
fn pods(at: i64, metric: &str, state: &mut u64, of: impl Fn(Track, f64) -> BlockData) -> Vec<Block> {
    let mut uniform = || {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..8)
        .map(|pod| {
            let track = if pod < 6 { Track::Stable } else { Track::Canary };
            block(at, track, &format!("pod-{pod}"), metric, of(track, uniform()))
        })
        .collect()
}

/// What is decided of these, after an hour of stable's past.
fn run(blocks: impl Fn(i64, &mut u64) -> Vec<Block>) -> Option<(Decision, i64, String)> {
    let state = &mut 41;
    let mut judge = fresh();
    for block in (-60..0).flat_map(|at| blocks(at, state)).filter(|block| block.track == Track::Stable) {
        judge.observe_history(&block).unwrap();
    }
    let (decision, took) = decide(&mut judge, |at| blocks(at, state))?;
    let verdict = judge.verdict(after(took));
    let broken = verdict.metrics.iter().find(|metric| metric.decision == Decision::Regression);
    Some((decision, took, broken.map_or(verdict.reason.clone(), |metric| metric.reason.clone())))
}

#[test]
fn more_cpu_is_found_by_its_means_and_the_same_passes() {
    let cpu = |factor: f64| {
        move |at: i64, state: &mut u64| {
            pods(at, MetricName::CPU, state, |track, draw| {
                let factor = if track == Track::Canary && at >= 0 { factor } else { 1.0 };
                BlockData::Value(0.2 * factor * (1.0 + 0.1 * (draw - 0.5)))
            })
        }
    };
    let (decision, took, reason) = run(cpu(1.3)).unwrap();
    assert_eq!(decision, Decision::Regression, "{reason}");
    assert!(took <= 20 && reason.contains("mean of"), "{took} {reason}");
    assert_eq!(run(cpu(1.0)).unwrap().0, Decision::Pass);
}

#[test]
fn memory_that_leaks_is_found_before_its_level_tells() {
    let memory = |per_minute: f64| {
        move |at: i64, state: &mut u64| {
            pods(at, MetricName::MEMORY, state, |track, draw| {
                let grown = if track == Track::Canary { per_minute * at as f64 } else { 0.0 };
                BlockData::Value(2e8 * (1.001 + grown) * (1.0 + 0.0005 * (draw - 0.5)))
            })
        }
    };
    // Beyond its pass: what is promoted after 15 minutes can only leak later.
    let (state, mut judge) = (&mut 43, fresh());
    let leaking = memory(0.002);
    let found = (0..70).find_map(|at| {
        leaking(at, state).iter().for_each(|block| judge.observe(block).unwrap());
        let verdict = judge.verdict(after(at + 1));
        (verdict.decision == Decision::Regression).then_some((at, verdict.reason))
    });
    let (took, reason) = found.expect("a leak of 12 % an hour");
    assert!(took < 60 && reason.contains("grows by"), "{took} {reason}");
    assert_eq!(run(memory(0.0)).unwrap().0, Decision::Pass);
}

#[test]
fn restarts_of_the_canary_alone_are_found() {
    let restarts = |rate: f64| {
        move |at: i64, state: &mut u64| {
            let mut blocks = pods(at, "restarts", state, |track, draw| {
                BlockData::Value(f64::from(u8::from(track == Track::Canary && draw < rate)))
            });
            blocks.extend(pods(at, MetricName::CPU, state, |_, draw| {
                BlockData::Value(0.2 * (1.0 + 0.1 * (draw - 0.5)))
            }));
            blocks
        }
    };
    let (decision, took, reason) = run(restarts(0.5)).unwrap();
    assert_eq!(decision, Decision::Regression, "{reason}");
    assert!(took < 20 && reason.starts_with("restarts"), "{took} {reason}");
    assert_eq!(run(restarts(0.0)).unwrap().0, Decision::Pass);
}

#[test]
fn more_failures_are_found_few_pass_and_a_new_class_is_named() {
    let failing = |canary: u64, class: &'static str| {
        move |at: i64, state: &mut u64| {
            let mut blocks = pods(at, MetricName::REQUESTS, state, |track, draw| {
                let errors = if track == Track::Canary { canary } else { u64::from(draw < 0.05) };
                BlockData::Requests { requests: 200, errors }
            });
            blocks.extend(pods(at, MetricName::ERRORS, state, |track, draw| {
                let class = if track == Track::Canary { class } else { "timeout" };
                let count = if track == Track::Canary { canary } else { u64::from(draw < 0.05) };
                BlockData::Classes([(class.to_owned(), count)].into())
            }));
            blocks
        }
    };
    let (decision, took, reason) = run(failing(3, "timeout")).unwrap();
    assert_eq!(decision, Decision::Regression, "{reason}");
    assert!(took < 10 && reason.contains("requests failed on the canary"), "{took} {reason}");
    let (state, mut judge) = (&mut 45, fresh());
    let new = failing(1, "null pointer");
    for block in (-60..0).flat_map(|at| new(at, state)).filter(|block| block.track == Track::Stable) {
        judge.observe_history(&block).unwrap();
    }
    (0..10).flat_map(|at| new(at, state)).for_each(|block| judge.observe(&block).unwrap());
    let reason = judge.verdict(after(10)).reason;
    assert!(reason.contains("new errors on the canary: \"null pointer\""), "{reason}");
    let (decision, took, reason) = run(failing(0, "timeout")).unwrap();
    assert_eq!(decision, Decision::Pass, "{reason}");
    assert_eq!(took, 15);
}

/// Half of the margin is no regression, however much is measured: without the margin it would be one at once.
#[test]
fn what_lies_within_the_margin_is_no_regression_and_a_swap_of_the_tracks_is_none_either() {
    let slow = |canary: f64, stable: f64| {
        move |at: i64, state: &mut u64| {
            pods(at, MetricName::LATENCY, state, |track, draw| {
                let factor = if at < 0 {
                    1.0
                } else if track == Track::Canary {
                    canary
                } else {
                    stable
                };
                let sample = |n: u32| factor * 0.1 * (1.0 + 0.9 * ((f64::from(n) + draw) / 2000.0));
                BlockData::Samples((0..2000).map(sample).collect())
            })
        }
    };
    let decided = run(slow(1.01, 1.0));
    assert!(decided.as_ref().is_none_or(|(decision, ..)| *decision == Decision::Pass), "{decided:?}");
    let decided = run(slow(1.0, 1.3));
    assert!(decided.as_ref().is_none_or(|(decision, ..)| *decision == Decision::Pass), "{decided:?}");
    assert_eq!(run(slow(1.08, 1.0)).unwrap().0, Decision::Regression);
}

#[test]
fn kayenta_looks_once_and_stays_with_what_it_saw() {
    let policy: Policy = serde_json::from_str(
        r#"{"rules": [{"rule": "kayenta", "after_minutes": 30, "kayenta": {
            "config": {"name": "shop", "metrics": [{"name": "latency mean", "groups": ["all"],
                        "analysisConfigurations": {"canary": {"direction": "increase"}}}],
                       "classifier": {"groupWeights": {"all": 100}}},
            "thresholds": {"pass": 95, "marginal": 75}}}]}"#,
    )
    .unwrap();
    for (factor, expected) in [(1.0, "pass"), (1.4, "regression")] {
        let mut judge = Judge::new(policy.clone(), after(0)).unwrap();
        let random = &mut 51;
        for at in 0..40 {
            // What comes after its look does not count.
            let factor = if at < 30 { factor } else { 5.0 - factor };
            for block in minute(at, factor, random) {
                judge.observe(&block).unwrap();
                let state = serde_json::to_string(&judge.state()).unwrap();
                if at == 35 {
                    judge = Judge::resume(policy.clone(), serde_json::from_str(&state).unwrap()).unwrap();
                }
            }
            let verdict = judge.verdict(after(at + 1));
            let wanted = if at + 1 < 30 { "inconclusive" } else { expected };
            assert_eq!(verdict.decision.as_str(), wanted, "after {} min: {}", at + 1, verdict.reason);
        }
    }
}

#[test]
fn what_nobody_measures_is_named_and_the_strict_preset_does_not_pass_without_it() {
    for (preset, passes) in [(Preset::Default, true), (Preset::Strict, false)] {
        let mut judge = Judge::new(Policy::preset(preset), after(0)).unwrap();
        let constant = |at| {
            [(Track::Stable, "a"), (Track::Canary, "b")]
                .map(|(track, pod)| block(at, track, pod, MetricName::CPU, BlockData::Value(0.2)))
                .to_vec()
        };
        let decided = decide(&mut judge, constant);
        assert_eq!(decided.is_some(), passes, "{preset:?} {decided:?}");
        let reason = judge.verdict(after(if passes { 15 } else { 120 })).reason;
        let named =
            if passes { "not measured: latency, errors, memory, restarts" } else { "latency: not measured" };
        assert!(reason.contains(named), "{reason}");
    }
}
