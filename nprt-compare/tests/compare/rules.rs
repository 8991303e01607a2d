//! What each rule decides on data that are in order.

use nprt_compare::Decision;
use nprt_core::model::{Block, BlockData};

use crate::blocks::*;

#[test]
fn a_percentile_decides_against_stable_plus_the_margin() {
    for (canary, decision) in [(0.100, "pass"), (0.090, "pass"), (0.1099, "pass"), (0.111, "regression")] {
        let blocks = [latency(0, Stable, &[0.1; 10]), latency(0, Canary, &[canary; 10])];
        assert_eq!(judged(MEDIAN, &blocks, 2).decision.as_str(), decision, "{canary}");
    }
}

#[test]
fn only_the_percentile_asked_for_decides() {
    let stable = latency(0, Stable, &[0.1; 100]);
    let mut seconds = vec![0.1; 100];
    seconds[95..].fill(1.0);
    let canary = latency(0, Canary, &seconds);
    let rule = |percentile: f64| {
        format!(
            r#"{{"rule": "percentile", "metric": "latency", "percentile": {percentile},
                "margin": {{"relative": 0.1}}, "min_samples": 100}}"#
        )
    };
    for (percentile, decision) in [(50.0, "pass"), (95.0, "pass"), (95.1, "regression"), (99.0, "regression")]
    {
        let verdict = judged(&rule(percentile), &[stable.clone(), canary.clone()], 2);
        assert_eq!(verdict.decision.as_str(), decision, "p{percentile}");
    }
}

#[test]
fn both_tracks_need_enough_samples_of_their_own() {
    for (stable, canary, decision) in [
        (10, 10, "regression"),
        (9, 10, "inconclusive"),
        (1000, 9, "inconclusive"),
        (9, 1000, "inconclusive"),
    ] {
        let blocks = [latency(0, Stable, &vec![0.1; stable]), latency(0, Canary, &vec![9.0; canary])];
        assert_eq!(judged(MEDIAN, &blocks, 2).decision.as_str(), decision, "{stable} {canary}");
    }
}

#[test]
fn tails_need_more_samples_by_default() {
    let rule =
        r#"{"rule": "percentile", "metric": "latency", "percentile": 95, "margin": {"relative": 0.1}}"#;
    for (n, decision) in [(399, "inconclusive"), (400, "pass")] {
        let blocks = [latency(0, Stable, &vec![0.1; n]), latency(0, Canary, &vec![0.1; n])];
        assert_eq!(judged(rule, &blocks, 2).decision.as_str(), decision, "{n}");
    }
}

#[test]
fn pods_routes_and_minutes_are_pooled() {
    let part = |minute, track, pod: &str, route: &str| Block {
        pod: Some(pod.to_owned()),
        route: Some(route.to_owned()),
        ..latency(minute, track, &[0.1])
    };
    let mut blocks = vec![];
    for (minute, pod, route) in
        [(0, "a", "/x"), (0, "a", "/y"), (0, "b", "/x"), (1, "a", "/x"), (2, "a", "/x")]
    {
        blocks.extend([part(minute, Stable, pod, route), part(minute, Canary, pod, route)]);
    }
    let verdict = judged(MEDIAN, &blocks, 5);
    assert_eq!((verdict.metrics[0].stable_samples, verdict.metrics[0].canary_samples), (5, 5));
}

#[test]
fn histograms_are_compared_by_their_buckets() {
    let edges = [0.1, 0.2, 0.4];
    for (canary, decision) in [
        ([10, 10, 0, 0], "pass"),
        ([0, 10, 10, 0], "regression"),
        // All that is known is that it is more than the last edge; that is enough.
        ([0, 0, 0, 20], "regression"),
    ] {
        let blocks = [histogram(0, Stable, &edges, &[10, 10, 0, 0]), histogram(0, Canary, &edges, &canary)];
        assert_eq!(judged(MEDIAN, &blocks, 2).decision.as_str(), decision, "{canary:?}");
    }
}

#[test]
fn beyond_the_last_edge_only_what_is_certain_is_decided() {
    let edges = [0.1, 0.2];
    for (stable, canary, decision) in [
        ([0, 0, 20], [0, 0, 20], "inconclusive"),
        ([0, 20, 0], [0, 0, 20], "regression"),
        ([0, 0, 20], [0, 20, 0], "pass"),
    ] {
        let blocks = [histogram(0, Stable, &edges, &stable), histogram(0, Canary, &edges, &canary)];
        assert_eq!(judged(MEDIAN, &blocks, 2).decision.as_str(), decision, "{stable:?} {canary:?}");
    }
}

#[test]
fn gauges_count_in_pod_minutes() {
    let rule = r#"{"rule": "percentile", "metric": "cpu", "percentile": 50,
        "margin": {"absolute": 0.05, "relative": 0.2}, "min_samples": 4}"#;
    for (canary, decision) in [(0.25, "pass"), (0.31, "regression")] {
        let mut blocks = vec![];
        for minute in 0..4 {
            blocks.push(gauge(minute, Stable, "a", "cpu", 0.25));
            blocks.push(gauge(minute, Stable, "b", "cpu", 0.25));
            blocks.push(gauge(minute, Canary, "c", "cpu", canary));
        }
        let verdict = judged(rule, &blocks, 4);
        assert_eq!(verdict.decision.as_str(), decision);
        assert_eq!((verdict.metrics[0].stable_samples, verdict.metrics[0].canary_samples), (8, 4));
    }
}

/// Stable's past, then stable and canary now: the classes and the failed requests of each, of 200.
type Errors<'a> = (u64, &'a [(&'a str, u64)]);

fn judged_errors(past: Errors<'_>, stable: Errors<'_>, canary: Errors<'_>) -> &'static str {
    let mut judge = judge(ERRORS);
    judge.observe_history(&requests(-9, Stable, 200, past.0)).unwrap();
    judge.observe_history(&classes(-9, Stable, past.1)).unwrap();
    for (track, (failed, by_class)) in [(Stable, stable), (Canary, canary)] {
        judge.observe(&requests(1, track, 200, failed)).unwrap();
        judge.observe(&classes(1, track, by_class)).unwrap();
    }
    judge.verdict(after(3)).decision.as_str()
}

#[test]
fn an_error_is_a_regression_unless_stable_has_its_class() {
    let none: Errors<'_> = (0, &[]);
    let timeouts: Errors<'_> = (5, &[("timeout", 5)]);
    let resets: Errors<'_> = (1, &[("reset", 1)]);
    let both: Errors<'_> = (6, &[("timeout", 5), ("reset", 1)]);
    let unclassified: Errors<'_> = (3, &[]);
    for (past, stable, canary, decision) in [
        (none, none, none, "pass"),
        (none, none, timeouts, "regression"),
        (timeouts, none, timeouts, "pass"),
        (none, timeouts, timeouts, "pass"),
        (timeouts, timeouts, resets, "regression"),
        (timeouts, timeouts, both, "regression"),
        (timeouts, resets, both, "pass"),
        (timeouts, resets, none, "pass"),
        (none, none, unclassified, "regression"),
        (timeouts, none, unclassified, "inconclusive"),
        // A class that stable had does not excuse the errors beside it that have none.
        (timeouts, none, (6, &[("timeout", 5)]), "inconclusive"),
        (timeouts, none, (6, &[("timeout", 5), ("dns", 0)]), "pass"),
        (none, timeouts, (200, &[("timeout", 1)]), "inconclusive"),
        (none, none, (0, &[("timeout", 0)]), "pass"),
        ((0, &[("timeout", 0)]), none, timeouts, "regression"),
    ] {
        assert_eq!(judged_errors(past, stable, canary), decision, "{past:?} {stable:?} {canary:?}");
    }
}

#[test]
fn errors_without_a_class_are_counted_minute_by_minute() {
    let judged = |canary: &[(i64, u64, u64)]| {
        let mut judge = judge(ERRORS);
        judge.observe_history(&classes(-9, Stable, &[("timeout", 9)])).unwrap();
        judge.observe(&requests(0, Stable, 200, 0)).unwrap();
        for &(minute, failed, timeouts) in canary {
            judge.observe(&requests(minute, Canary, 200, failed)).unwrap();
            judge.observe(&classes(minute, Canary, &[("timeout", timeouts)])).unwrap();
        }
        judge.verdict(after(3))
    };
    assert_eq!(judged(&[(0, 5, 5), (1, 7, 7)]).decision, Decision::Pass);
    // What one minute has too many does not hide what another lacks.
    let verdict = judged(&[(0, 5, 9), (1, 7, 3)]);
    assert!(is_inconclusive(&verdict));
    assert!(verdict.reason.contains("4 errors on the canary have no class"), "{}", verdict.reason);
}

#[test]
fn history_older_than_the_policy_wants_is_forgotten() {
    for (minute, decision) in [(-100, "pass"), (-101, "regression")] {
        let mut judge = judge(ERRORS);
        judge.observe_history(&classes(minute, Stable, &[("timeout", 1)])).unwrap();
        for track in [Stable, Canary] {
            judge.observe(&requests(0, track, 100, 0)).unwrap();
        }
        judge.observe(&classes(0, Canary, &[("timeout", 1)])).unwrap();
        assert_eq!(judge.verdict(after(2)).decision.as_str(), decision, "{minute}");
    }
}

#[test]
fn the_window_slides_and_forgets() {
    let mut judge = judge(MEDIAN);
    for track in [Stable, Canary] {
        for minute in 0..100 {
            let slow = track == Canary && minute < 30;
            judge.observe(&latency(minute, track, &[if slow { 9.0 } else { 0.1 }; 10])).unwrap();
        }
    }
    let verdict = judge.verdict(after(100));
    assert_eq!(verdict.decision, Decision::Pass);
    assert_eq!((verdict.range.start(), verdict.range.end()), (after(40), after(100)));
    assert_eq!(verdict.metrics[0].canary_samples, 600);
}

#[test]
fn a_young_canary_is_judged_by_its_whole_life() {
    let blocks: Vec<_> = (0..5).flat_map(|m| [Stable, Canary].map(|t| latency(m, t, &[0.1; 10]))).collect();
    let verdict = judged(MEDIAN, &blocks, 5);
    assert_eq!((verdict.range.start(), verdict.metrics[0].canary_samples), (after(0), 50));
}

#[test]
fn a_pass_waits_for_the_soak_and_a_regression_does_not() {
    let pair = |canary| [latency(0, Stable, &[0.1; 10]), latency(0, Canary, &[canary; 10])];
    let early = judged(MEDIAN, &pair(0.1), 1);
    let Decision::Inconclusive { needed } = early.decision else { panic!("{early:?}") };
    assert_eq!((needed.minutes, needed.stable_samples, needed.canary_samples), (Some(1), 0, 0));
    assert_eq!(early.metrics[0].decision, Decision::Pass);
    assert_eq!(judged(MEDIAN, &pair(0.1), 2).decision, Decision::Pass);
    assert_eq!(judged(MEDIAN, &pair(0.2), 1).decision, Decision::Regression);
}

#[test]
fn a_regression_decides_though_other_rules_are_inconclusive_and_a_pass_needs_them_all() {
    let rules = format!("{ERRORS}, {MEDIAN}");
    let slow = [latency(0, Stable, &[0.1; 10]), latency(0, Canary, &[0.2; 10])];
    let verdict = judged(&rules, &slow, 2);
    assert_eq!(verdict.decision, Decision::Regression);
    assert!(matches!(verdict.metrics[0].decision, Decision::Inconclusive { .. }));
    assert!(verdict.reason.starts_with("latency p50: 200 ms"), "{}", verdict.reason);
    let fine = [latency(0, Stable, &[0.1; 10]), latency(0, Canary, &[0.1; 10])];
    assert!(is_inconclusive(&judged(&rules, &fine, 2)));
}

#[test]
fn equal_constants_pass_zero_included() {
    for constant in [0.0, 1e-9, 1.0, 1e300] {
        let blocks = [latency(0, Stable, &[constant; 10]), latency(0, Canary, &[constant; 10])];
        assert_eq!(judged(MEDIAN, &blocks, 2).decision, Decision::Pass, "{constant}");
    }
}

#[test]
fn a_metric_without_a_rule_is_left_out() {
    let mut judge = judge(MEDIAN);
    judge.observe(&block(0, Stable, "queue", BlockData::Value(f64::NAN))).unwrap();
    judge.observe_history(&block(-1, Stable, "queue", BlockData::Value(f64::NAN))).unwrap();
    assert_eq!(judge.verdict(after(2)).metrics.len(), 1);
}
