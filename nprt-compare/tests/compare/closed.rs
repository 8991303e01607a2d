//! What must never become a pass, and never a panic.

use nprt_compare::Decision;
use nprt_core::model::{Block, BlockData};
use proptest::prelude::{Just, any};
use proptest::{prop_assert, prop_oneof, proptest};

use crate::blocks::*;

const LATENCY_AND_ERRORS: fn() -> String = || format!("{MEDIAN}, {ERRORS}");

/// Both tracks, fine and in plenty.
fn fine() -> Vec<Block> {
    [Stable, Canary]
        .into_iter()
        .flat_map(|track| [latency(0, track, &[0.1; 100]), requests(0, track, 100, 0)])
        .collect()
}

#[test]
fn fine_data_pass_so_that_the_cases_here_mean_something() {
    assert_eq!(judged(&LATENCY_AND_ERRORS(), &fine(), 2).decision, Decision::Pass);
}

#[test]
fn no_data_or_one_track_alone_is_inconclusive() {
    assert!(is_inconclusive(&judged(&LATENCY_AND_ERRORS(), &[], 60)));
    for track in [Stable, Canary] {
        let blocks: Vec<_> = fine().into_iter().filter(|block| block.track == track).collect();
        let verdict = judged(&LATENCY_AND_ERRORS(), &blocks, 60);
        assert!(
            verdict.metrics.iter().all(|metric| matches!(metric.decision, Decision::Inconclusive { .. }))
        );
        assert!(is_inconclusive(&verdict));
    }
}

#[test]
fn one_metric_missing_is_inconclusive() {
    for missing in ["latency", "requests"] {
        let blocks: Vec<_> = fine().into_iter().filter(|block| block.metric.as_str() != missing).collect();
        assert!(is_inconclusive(&judged(&LATENCY_AND_ERRORS(), &blocks, 60)), "{missing}");
    }
}

#[test]
fn a_canary_without_requests_is_inconclusive() {
    let blocks = [requests(0, Stable, 500, 0), requests(0, Canary, 0, 0)];
    assert!(is_inconclusive(&judged(ERRORS, &blocks, 60)));
}

#[test]
fn errors_by_class_without_traffic_are_inconclusive() {
    for canary in [&[("timeout", 1)][..], &[]] {
        let blocks = [classes(0, Stable, &[]), classes(0, Canary, canary)];
        assert!(is_inconclusive(&judged(ERRORS, &blocks, 60)), "{canary:?}");
    }
}

#[test]
fn a_new_error_needs_enough_of_stable_to_be_called_new() {
    for (requests_of_stable, decision) in [(99, "inconclusive"), (100, "regression")] {
        let blocks = [
            requests(0, Stable, requests_of_stable, 0),
            requests(0, Canary, 1, 1),
            classes(0, Canary, &[("timeout", 1)]),
        ];
        assert_eq!(judged(ERRORS, &blocks, 2).decision.as_str(), decision);
    }
}

fn unreadable() -> Vec<(Block, &'static str)> {
    let bad = |data| block(1, Canary, "latency", data);
    let edges = |edges: &[f64], counts: &[u64]| histogram(1, Canary, edges, counts);
    vec![
        (latency(1, Canary, &[0.1, f64::NAN]), "sample 1 is NaN"),
        (latency(1, Canary, &[f64::INFINITY]), "sample 0 is inf"),
        (latency(1, Stable, &[-0.1]), "sample 0 is -0.1"),
        (bad(BlockData::Value(f64::NAN)), "the value is NaN"),
        (bad(BlockData::Value(-1.0)), "the value is -1"),
        (edges(&[], &[1]), "0 edges and 1 counts"),
        (edges(&[0.1, 0.2], &[1, 2]), "2 edges and 2 counts"),
        (edges(&[0.2, 0.1], &[1, 2, 3]), "edge 0.2 before 0.1"),
        (edges(&[0.1, 0.1], &[1, 2, 3]), "edge 0.1 before 0.1"),
        (edges(&[0.1, f64::NAN], &[1, 2, 3]), "edge NaN"),
        (edges(&[0.1, f64::INFINITY], &[1, 2, 3]), "edge inf"),
        (edges(&[-0.1, 0.1], &[1, 2, 3]), "edge -0.1"),
        (edges(&[0.1], &[u64::MAX, 1]), "more than 2^64"),
        (bad(BlockData::Classes([].into())), "available: Samples, Histogram, Value"),
        (requests(1, Canary, 5, 6), "6 failed of only 5"),
        (block(1, Canary, "requests", BlockData::Value(5.0)), "available: Requests"),
        (block(1, Canary, "errors", BlockData::Value(5.0)), "available: Classes"),
    ]
}

#[test]
fn what_cannot_be_read_is_an_error_and_no_pass() {
    for (bad, named) in unreadable() {
        let mut judge = judge(&LATENCY_AND_ERRORS());
        fine().iter().for_each(|block| judge.observe(block).unwrap());
        let error = judge.observe(&bad).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(named), "{error} should say {named}");
        assert!(error.to_string().contains("metric: "), "{error}");
        let verdict = judge.verdict(after(3));
        assert!(
            is_inconclusive(&verdict) && verdict.reason.contains("could not be read"),
            "{bad:?} {verdict:?}"
        );
        // It heals once the minute has left the window.
        for track in [Stable, Canary] {
            judge.observe(&latency(70, track, &[0.1; 100])).unwrap();
            judge.observe(&requests(70, track, 100, 0)).unwrap();
        }
        assert_eq!(judge.verdict(after(71)).decision, Decision::Pass, "{bad:?}");
    }
}

#[test]
fn a_regression_stays_one_beside_what_cannot_be_read() {
    let mut judge = judge(MEDIAN);
    judge.observe(&latency(0, Stable, &[0.1; 10])).unwrap();
    judge.observe(&latency(0, Canary, &[0.2; 10])).unwrap();
    judge.observe(&latency(1, Canary, &[f64::NAN])).unwrap_err();
    assert_eq!(judge.verdict(after(2)).decision, Decision::Regression);
}

#[test]
fn forms_edges_and_versions_do_not_mix() {
    let version = |version: &str, block| Block { version: Some(version.to_owned()), ..block };
    let samples = |minute, track| latency(minute, track, &[0.1; 10]);
    let counts = |track, edge| histogram(0, track, &[edge], &[10, 0]);
    let gauge = |track| gauge(1, track, "a", "latency", 0.1);
    for (blocks, named) in [
        (vec![samples(0, Stable), counts(Canary, 0.1)], "{Samples, Histogram}"),
        (vec![samples(0, Stable), samples(0, Canary), gauge(Canary)], "{Samples, Value}"),
        (vec![counts(Stable, 0.1), counts(Canary, 0.2)], "different edges"),
        (
            vec![
                counts(Stable, 0.1),
                counts(Canary, 0.1),
                Block { minute: START + 1, ..counts(Canary, 0.2) },
            ],
            "different edges",
        ),
        (
            vec![samples(0, Stable), version("v1", samples(0, Canary)), version("v2", samples(0, Canary))],
            "several versions, v1 and v2",
        ),
    ] {
        let verdict = judged(MEDIAN, &blocks, 2);
        assert!(is_inconclusive(&verdict) && verdict.reason.contains(named), "{verdict:?}");
    }
    // Stable's version may change during the canary's life only in name.
    let blocks = [version("v1", samples(0, Stable)), version("v2", samples(0, Canary))];
    assert_eq!(judged(MEDIAN, &blocks, 2).decision, Decision::Pass);
}

#[test]
fn errors_of_several_versions_are_nobodys() {
    let mut blocks = vec![requests(0, Stable, 100, 0), requests(0, Canary, 100, 0)];
    blocks.push(Block { version: Some("v1".to_owned()), ..classes(0, Canary, &[("timeout", 1)]) });
    assert_eq!(judged(ERRORS, &blocks, 2).decision, Decision::Regression);
    blocks.push(Block { version: Some("v2".to_owned()), ..classes(0, Canary, &[]) });
    assert!(is_inconclusive(&judged(ERRORS, &blocks, 2)));
}

#[test]
fn a_track_that_fell_silent_does_not_pass() {
    // For an hour's window the last quarter is what counts; for a short one the last five minutes.
    for (now, late) in [(60, 15), (12, 5)] {
        for silent in [None, Some(Stable), Some(Canary)] {
            let mut blocks = fine();
            for track in [Stable, Canary] {
                let minute = now - late - i64::from(silent == Some(track));
                blocks.extend([latency(minute, track, &[0.1]), requests(minute, track, 1, 0)]);
            }
            for rule in [MEDIAN, ERRORS] {
                let verdict = judged(rule, &blocks, now);
                let Some(silent) = silent else {
                    assert_eq!(verdict.decision, Decision::Pass);
                    continue;
                };
                let named = format!("nothing came from the {silent} track in the last {late} min");
                assert!(is_inconclusive(&verdict) && verdict.reason.contains(&named), "{verdict:?}");
            }
        }
    }
    let slow = [latency(0, Stable, &[0.1; 10]), latency(0, Canary, &[0.2; 10])];
    assert_eq!(judged(MEDIAN, &slow, 60).decision, Decision::Regression);
}

proptest! {
    /// Whatever comes, in whatever form: no panic, and never a pass by fewer samples than demanded.
    #[test]
    fn nonsense_never_passes(
        values in proptest::collection::vec(prop_oneof![
            Just(f64::NAN), Just(f64::INFINITY), Just(-1.0), Just(0.0), Just(f64::MAX), any::<f64>(),
        ], 0..9),
        minutes in proptest::collection::vec(prop_oneof![Just(i64::MIN), Just(i64::MAX), -3_i64..70], 1..5),
        counts in proptest::collection::vec(any::<u64>(), 0..5),
    ) {
        let mut judge = judge(&LATENCY_AND_ERRORS());
        for &minute in &minutes {
            for track in [Stable, Canary] {
                let mut blocks = vec![
                    latency(0, track, &values),
                    histogram(0, track, &values, &counts),
                    requests(0, track, counts.first().copied().unwrap_or(0), counts.last().copied().unwrap_or(0)),
                ];
                blocks.extend(values.first().map(|value| gauge(0, track, "a", "latency", *value)));
                for mut block in blocks {
                    block.minute = minute.saturating_add(START);
                    let _ = judge.observe(&block);
                    let _ = judge.observe_history(&block);
                }
            }
        }
        for now in [-1, 0, 1, 60, 1000] {
            let verdict = judge.verdict(after(now));
            prop_assert!(verdict.decision != Decision::Pass, "{:?}", verdict);
        }
        let _ = judge.verdict(jiff::Timestamp::MIN);
        let _ = judge.verdict(jiff::Timestamp::MAX);
    }
}
