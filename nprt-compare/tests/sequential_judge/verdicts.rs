//! What it decides.

use nprt_compare::{Decision, Judge, Policy, Preset};
use nprt_core::model::{BlockData, MetricName, Track};

use crate::world::*;

#[test]
fn a_slower_canary_is_found_and_one_as_good_passes() {
    for (factor, expected) in [(1.25, "regression"), (1.0, "pass")] {
        let random = &mut 7;
        let mut judge = judge(random);
        let (decision, took) = decide(&mut judge, |at| minute(at, factor, random)).expect("in two hours");
        assert_eq!(decision.as_str(), expected, "after {took} min");
        assert!(if factor > 1.0 { took <= 8 } else { took >= 15 }, "{decision} after {took} min");
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
    let mut judge = Judge::new(Policy::preset(Preset::Default), after(0)).unwrap();
    assert!(matches!(judge.verdict(after(500)).decision, Decision::Inconclusive { .. }));
}

#[test]
fn a_constant_series_that_is_equal_on_both_tracks_passes() {
    for data in [BlockData::Samples(vec![0.0; 50]), BlockData::Samples(vec![0.1; 50]), BlockData::Value(0.25)]
    {
        let metric = if matches!(data, BlockData::Value(_)) { MetricName::CPU } else { MetricName::LATENCY };
        let both = |at| {
            [(Track::Stable, "a"), (Track::Canary, "b")]
                .map(|(track, pod)| block(at, track, pod, metric, data.clone()))
                .to_vec()
        };
        let (decision, took) = decide(&mut fresh(), both).unwrap_or_else(|| panic!("{data:?} in two hours"));
        assert_eq!((decision, took), (Decision::Pass, 15), "{data:?}");
    }
}

#[test]
fn what_is_no_measurement_never_passes() {
    let cases = [vec![f64::NAN; 50], vec![f64::INFINITY], vec![-1.0; 50], vec![], vec![0.1]];
    for samples in cases {
        let random = &mut 9;
        let mut judge = judge(random);
        let blocks = |at| {
            let mut blocks = minute(at, 1.0, random);
            blocks.retain(|block| block.track == Track::Stable);
            blocks.push(block(
                at,
                Track::Canary,
                "c",
                MetricName::LATENCY,
                BlockData::Samples(samples.clone()),
            ));
            blocks
        };
        let decided = decide(&mut judge, blocks);
        assert!(decided.is_none_or(|(decision, _)| decision != Decision::Pass), "{samples:?}");
    }
}

#[test]
fn a_track_that_falls_silent_does_not_pass() {
    let random = &mut 21;
    let mut judge = judge(random);
    let blocks = |at| {
        let mut blocks = minute(at, 1.0, random);
        blocks.retain(|block| at < 10 || block.track == Track::Stable);
        blocks
    };
    assert_eq!(decide(&mut judge, blocks), None);
    let reason = judge.verdict(after(120)).reason;
    assert!(reason.contains("nothing came from the canary track"), "{reason}");
}

#[test]
fn a_power_of_two_and_another_time_change_nothing() {
    let scaled = |shift: i64, factor: f64| {
        let mut policy = Policy::preset(Preset::Default);
        let mut value = serde_json::to_value(&policy).unwrap();
        for margin in ["margin", "pass_margin"] {
            let absolute = value["rules"][0][margin]["absolute"].as_f64().unwrap();
            value["rules"][0][margin]["absolute"] = (absolute * factor).into();
        }
        policy = serde_json::from_value(value).unwrap();
        let mut judge = Judge::new(policy, after(shift)).unwrap();
        let random = &mut 17;
        let mut told = Vec::new();
        for at in -60..20 {
            for mut block in minute(at, 1.08, random) {
                block.minute += shift;
                if let BlockData::Samples(samples) = &mut block.data {
                    samples.iter_mut().for_each(|sample| *sample *= factor);
                    samples.reverse();
                }
                if at < 0 { judge.observe_history(&block) } else { judge.observe(&block) }.unwrap();
            }
            let verdict = judge.verdict(after(shift + at + 1));
            let evidence = verdict.metrics[0].evidence.clone().unwrap();
            told.push((verdict.decision, evidence.tests, evidence.effect));
        }
        told
    };
    let plain = scaled(0, 1.0);
    assert!(plain == scaled(0, 1024.0) && plain == scaled(12_345, 1.0 / 8.0));
}

#[test]
fn a_canary_pod_that_restarts_warms_up_by_itself() {
    let random = &mut 33;
    let mut judge = judge(random);
    let blocks = |at| {
        let mut blocks = minute(at, 1.0, random);
        for block in blocks.iter_mut().filter(|block| at >= 20 && block.pod.as_deref() == Some("pod-7")) {
            block.pod = Some("pod-8".to_owned());
            if let (BlockData::Samples(samples), true) = (&mut block.data, at < 28) {
                samples.iter_mut().for_each(|sample| *sample *= 5.0);
            }
        }
        blocks
    };
    let found = decide(&mut judge, blocks);
    assert_eq!(found.map(|(decision, _)| decision), Some(Decision::Pass));
    let (mut judge, random) = (crate::world::judge(&mut 33), &mut 34);
    for at in 0..40 {
        let mut blocks = minute(at, 1.0, random);
        blocks.iter_mut().filter(|block| at >= 20 && block.pod.as_deref() == Some("pod-7")).for_each(
            |block| {
                block.pod = Some("pod-8".to_owned());
            },
        );
        blocks.iter().for_each(|block| judge.observe(block).unwrap());
    }
    let counted = judge.verdict(after(40)).metrics[0].evidence.clone().unwrap().counted;
    assert_eq!(counted.new_pods, 10, "{counted:?}");
}

/// The same noise, so many times as slow: by ranks and quantiles the larger one is never shown later.
#[test]
fn what_is_slower_is_never_shown_later() {
    let policy = Policy { warm_up_minutes: 0, ..Policy::preset(Preset::Default) };
    for seed in 0..8 {
        let evidence = |factor: f64| -> Vec<Vec<f64>> {
            let mut judge = Judge::new(policy.clone(), after(0)).unwrap();
            let random = &mut (1000 + seed);
            for block in (-30..0).flat_map(|at| minute(at, 1.0, random)) {
                judge.observe_history(&block).unwrap();
            }
            (0..12)
                .map(|at| {
                    minute(at, factor, random).iter().for_each(|block| judge.observe(block).unwrap());
                    let tests = judge.verdict(after(at + 1)).metrics[0].evidence.clone().unwrap().tests;
                    tests
                        .iter()
                        .filter(|test| !test.test.starts_with("paired"))
                        .map(|test| test.ln_e)
                        .collect()
                })
                .collect()
        };
        let slower = [1.0, 1.05, 1.2, 1.5, 3.0].map(evidence);
        for pair in slower.windows(2) {
            for (less, more) in pair[0].iter().flatten().zip(pair[1].iter().flatten()) {
                assert!(more >= &(less - 1e-9), "{less} {more} of seed {seed}");
            }
        }
    }
}
