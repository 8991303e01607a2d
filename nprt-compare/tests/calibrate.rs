//! Calibration on a history whose noise is known.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use nprt_compare::calibrate::{Trial, calibrate};
use nprt_compare::{Policy, Preset};
use nprt_core::model::{Block, BlockData, MetricName, Track};

/// Latencies of six pods, each by so much (relative) slower than the one before.
fn history(minutes: i64, apart: f64) -> Vec<Block> {
    let mut state = 5_u64;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut latency = move || 0.1 * (0.5 * ((0..12).map(|_| uniform()).sum::<f64>() - 6.0)).exp();
    let mut block = |minute: i64, pod: u32| Block {
        minute: 29_453_760 + minute,
        track: Track::Stable,
        version: None,
        pod: Some(format!("pod-{pod}")),
        route: None,
        metric: MetricName::new(MetricName::LATENCY).unwrap(),
        data: BlockData::Samples((0..60).map(|_| (1.0 + apart * f64::from(pod)) * latency()).collect()),
    };
    (0..minutes)
        .flat_map(|minute| (0..6).map(move |pod| (minute, pod)))
        .map(|(at, pod)| block(at, pod))
        .collect()
}

#[test]
fn even_pods_have_no_false_alarms_and_effects_are_found_the_sooner_the_larger_they_are() {
    let policy = Policy::preset(Preset::Default);
    let trial = Trial { window_minutes: 60, most_runs: 15, ..Trial::default() };
    let report = calibrate(&policy, &history(60, 0.0), trial).unwrap();
    assert_eq!((report.false_alarms.runs, report.false_alarms.alarms), (15, 0));
    assert!((report.false_alarms.upper - 0.181).abs() < 1e-3, "1 - 0.05^(1/15): {:?}", report.false_alarms);
    assert!(!report.shown && report.proposed.is_none(), "15 runs cannot show 1 %");
    let minutes: Vec<_> = report.detections.iter().map(|detection| detection.minutes).collect();
    assert!(
        report.detections[1].share > 0.99 && report.detections[2].share > 0.99,
        "{:?}",
        report.detections
    );
    assert!(minutes[2] <= minutes[1] && minutes[1] <= minutes[0].or(Some(60)), "{minutes:?}");
    assert!(
        report.noise[0].between_pods < 0.01 && report.noise[0].overdispersion < 1.5,
        "{:?}",
        report.noise
    );
    assert_eq!(report.highest_percentile.unwrap().to_string(), "p99.8611");
    assert_eq!(report.block_minutes, Some(2));
}

#[test]
fn a_loose_target_is_shown_and_pods_that_differ_are_seen() {
    let policy = Policy { alpha: 0.25, ..Policy::preset(Preset::Default) };
    let trial = Trial { window_minutes: 60, most_runs: 15, ..Trial::default() };
    let report = calibrate(&policy, &history(60, 0.0), trial).unwrap();
    assert!(report.shown && report.proposed == Some(policy));

    let differing = calibrate(&Policy::preset(Preset::Default), &history(60, 0.03), trial).unwrap();
    let noise = &differing.noise[0];
    assert!((0.03..0.09).contains(&noise.between_pods), "about 5 %: {noise:?}");
}

#[test]
fn what_cannot_be_tried_is_refused_by_name() {
    let policy = Policy::preset(Preset::Default);
    let tried = |history: &[Block], trial| calibrate(&policy, history, trial).unwrap_err().to_string();
    let trial = Trial { window_minutes: 60, ..Trial::default() };
    assert!(tried(&history(30, 0.0), trial).contains("shorter than a window (minutes: 30"));
    assert!(tried(&history(60, 0.0), Trial { canary_pods: 5, ..trial }).contains("canary_pods: 5"));
    assert!(tried(&history(60, 0.0), Trial { window_minutes: 5, ..trial }).contains("window_minutes: 5"));
    let mut canary = history(60, 0.0);
    canary[7].track = Track::Canary;
    assert!(tried(&canary, trial).contains("the canary's"));
    assert!(tried(&[], trial).contains("pods: 0"));
}
