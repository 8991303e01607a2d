//! What a person and a program read.

use nprt_compare::{Decision, Needed, Verdict};
use nprt_core::model::BlockData;
use serde_json::json;

use crate::blocks::*;

#[test]
fn each_decision_says_why_with_figures_and_units() {
    let pair = |canary: &[f64]| [latency(0, Stable, &[0.1; 100]), latency(0, Canary, canary)];
    for (canary, minutes, reason) in [
        (
            vec![0.12; 20],
            5,
            "latency p50: 120 ms on the canary is above the limit of 110 ms (stable 100 ms plus \
          10 ms); 100 samples on stable, 20 on the canary in 5 min",
        ),
        (
            vec![0.12; 5],
            5,
            "latency p50: too few samples, 100 of 10 on stable and 5 of 10 on the canary in 5 min",
        ),
        (vec![0.1; 20], 5, "every rule holds: latency p50 over 5 min (100 ms of at most 110 ms)"),
        (vec![0.1; 20], 1, "every rule holds so far, but the canary has run for 1 of the 2 min that it must"),
    ] {
        assert_eq!(judged(MEDIAN, &pair(&canary), minutes).reason, reason);
    }
}

#[test]
fn new_errors_are_named() {
    let canary = [("timeout", 1), ("reset", 7), ("dns", 1), ("tls", 2)];
    let blocks = [requests(0, Stable, 400, 0), requests(0, Canary, 200, 11), classes(0, Canary, &canary)];
    assert_eq!(
        judged(ERRORS, &blocks, 5).reason,
        "errors: new errors on the canary: \"reset\" (7), \"tls\" (2), \"dns\" (1) and 1 more, and stable had none \
         of them in 400 requests; 11 of 200 requests failed on the canary and 0 of 400 on stable in 5 min"
    );
}

#[test]
fn what_is_needed_is_counted_at_the_present_traffic() {
    // 2 a minute on stable and 1 on the canary, for 5 minutes: 5 more minutes until both have 10.
    let blocks: Vec<_> = (0..5)
        .flat_map(|minute| [latency(minute, Stable, &[0.1; 2]), latency(minute, Canary, &[0.1])])
        .collect();
    let verdict = judged(MEDIAN, &blocks, 5);
    let needed = Needed { stable_samples: 0, canary_samples: 5, minutes: Some(5) };
    assert_eq!(verdict.decision, Decision::Inconclusive { needed });
}

#[test]
fn a_window_that_never_holds_enough_says_how_long_it_must_be() {
    // The method's example: a request a minute on three instances; 40 a track take 120 minutes.
    let rule = MEDIAN.replace("10}", "40}");
    let blocks: Vec<_> = (0..60)
        .map(|minute| latency(minute, if minute % 3 == 0 { Canary } else { Stable }, &[0.1]))
        .collect();
    let verdict = judged(&rule, &blocks, 60);
    let needed = Needed { stable_samples: 0, canary_samples: 20, minutes: None };
    assert_eq!(verdict.decision, Decision::Inconclusive { needed });
    assert_eq!(
        verdict.reason,
        "latency p50: too few samples, 40 of 40 on stable and 20 of 40 on the canary in 60 min; \
         at this traffic it takes a window of 120 min, and the policy's has 60"
    );
}

#[test]
fn the_largest_need_of_all_rules_is_told() {
    let blocks: Vec<_> = (0..5)
        .flat_map(|minute| [Stable, Canary].map(|track| (minute, track)))
        .flat_map(|(minute, track)| [latency(minute, track, &[0.1]), requests(minute, track, 10, 0)])
        .collect();
    let verdict = judged(&format!("{MEDIAN}, {ERRORS}"), &blocks, 5);
    let needed = Needed { stable_samples: 50, canary_samples: 50, minutes: Some(5) };
    assert_eq!(verdict.decision, Decision::Inconclusive { needed });
    // Without any traffic on one rule nobody knows how long.
    let verdict = judged(&format!("{MEDIAN}, {ERRORS}"), &blocks[..1], 5);
    let Decision::Inconclusive { needed } = verdict.decision else { panic!("{verdict:?}") };
    assert_eq!((needed.stable_samples, needed.canary_samples, needed.minutes), (100, 100, None));
}

#[test]
fn the_verdict_is_json_as_documented() {
    let blocks: Vec<_> = (0..3)
        .flat_map(|minute| [latency(minute, Stable, &[0.125; 200]), latency(minute, Canary, &[0.13; 40])])
        .collect();
    let rule =
        r#"{"rule": "percentile", "metric": "latency", "percentile": 95, "margin": {"absolute": 0.125}}"#;
    let judged = judged(rule, &blocks, 3);
    let verdict = serde_json::to_value(&judged).unwrap();
    let needed = json!({"stable_samples": 0, "canary_samples": 280, "minutes": 7});
    let reason = "latency p95: too few samples, 600 of 400 on stable and 120 of 400 on the canary in 3 min";
    let expected = json!({
        "verdict": "inconclusive",
        "needed": needed,
        "reason": reason,
        "metrics": [{
            "metric": "latency",
            "statistic": "p95 over 3 min",
            "verdict": "inconclusive",
            "needed": needed,
            "stable": 0.125,
            "canary": 0.13,
            "limit": 0.25,
            "stable_samples": 600,
            "canary_samples": 120,
            "reason": reason,
        }],
        "range": ["2026-11-23T12:00:00Z", "2026-11-23T12:03:00Z"],
    });
    assert_eq!(verdict, expected);
    assert_eq!(serde_json::from_value::<Verdict>(expected).unwrap(), judged);
}

#[test]
fn a_verdict_without_figures_is_json_too() {
    let huge = |track| block(0, track, "latency", BlockData::Samples(vec![f64::MAX; 10]));
    for blocks in [vec![], vec![huge(Stable), huge(Canary)]] {
        let judged = judged(MEDIAN, &blocks, 5);
        let verdict = serde_json::to_value(&judged).unwrap();
        assert_eq!(serde_json::from_value::<Verdict>(verdict.clone()).unwrap(), judged);
        assert!(verdict["metrics"][0]["limit"].is_null(), "{verdict}");
    }
}
