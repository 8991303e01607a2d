//! The counts test beside its reference, and its error rates by simulation.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use nprt_compare::statistics::Overdispersion;
use nprt_compare::statistics::counts::{CountsTest, Errors, Ratio};
use nprt_core::Result;
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    margin: f64,
    phi: f64,
    blocks: Vec<[u64; 4]>,
    ln_e: Vec<f64>,
}

fn errors([stable_requests, stable_errors, canary_requests, canary_errors]: [u64; 4]) -> Result<Errors> {
    Errors::new((canary_errors, canary_requests), (stable_errors, stable_requests))
}

/// Also with its state written and read back between any two blocks.
#[test]
fn it_agrees_with_the_reference_after_each_block() {
    let reference: Reference = serde_json::from_str(include_str!("../data/statistics/counts.json")).unwrap();
    for case in reference.cases {
        let (margin, phi) = (Ratio::new(case.margin).unwrap(), Overdispersion::new(case.phi).unwrap());
        let mut test = CountsTest::default();
        for (block, expected) in case.blocks.iter().zip(case.ln_e) {
            test.observe(phi, [errors(*block).unwrap().ln_factors(margin)]);
            assert!((test.ln_e() - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{block:?}");
            let stored = serde_json::to_string(&test).unwrap();
            assert_eq!(serde_json::from_str::<CountsTest>(&stored).unwrap(), test);
        }
    }
}

#[test]
fn what_it_cannot_take_is_named_and_nothing_is_no_evidence() {
    for margin in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Ratio::new(margin).unwrap_err().to_string().contains("ratio"));
    }
    assert!(serde_json::from_str::<CountsTest>("[0.0]").is_err());
    let mut test = CountsTest::default();
    let mut observe =
        |block| test.observe(Overdispersion::NONE, [errors(block).unwrap().ln_factors(Ratio::QUARTER_MORE)]);
    for block in [[0, 0, 0, 0], [0, 0, 9, 9], [9, 9, 0, 0], [9, 0, 9, 0]] {
        observe(block);
    }
    let error = errors([9, 0, 9, 10]).unwrap_err();
    assert!(error.to_string().contains("track: canary, errors: 10, requests: 9"), "{error}");
    observe([u64::MAX, 0, 1, 1]);
    observe([1, 1, u64::MAX, u64::MAX]);
    assert!(test.ln_e().is_finite());
}

/// Runs in which E reaches 100 at any of 120 looks, where the canary fails `worse` times as often.
fn decided(worse: f64, runs: u64) -> usize {
    let mut state = 7_u64;
    let mut uniform = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut failed =
        move |requests: u64, rate: f64| (0..requests).filter(|_| uniform() < rate).count() as u64;
    (0..runs)
        .filter(|_| {
            let mut test = CountsTest::default();
            (0..120).any(|minute| {
                // An incident hits both tracks.
                let rate = if minute % 50 == 9 { 0.08 } else { 0.01 };
                let block = [30, failed(30, rate), 10, failed(10, rate * worse)];
                let block = errors(block).unwrap();
                test.observe(Overdispersion::NONE, [block.ln_factors(Ratio::QUARTER_MORE)]);
                test.ln_e() >= 100.0_f64.ln()
            })
        })
        .count()
}

#[test]
fn false_alarms_are_rare_at_the_margin_and_ten_times_the_errors_are_found() {
    // Six expected at the most of 600.
    let (at_margin, ten_times) = (decided(Ratio::QUARTER_MORE.get(), 600), decided(10.0, 50));
    assert!(at_margin <= 12, "{at_margin} of 600");
    assert!(ten_times >= 48, "{ten_times} of 50");
}
