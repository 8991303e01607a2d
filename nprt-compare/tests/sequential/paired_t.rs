use nprt_compare::statistics::paired_t::PairedT;
use proptest::{prop_assert, prop_assert_eq, proptest};

use crate::simulation::{ALPHA, LOOKS, MOST_ALARMS, RUNS, Random, alarms};

#[derive(serde::Deserialize)]
struct Case {
    differences: Vec<f64>,
    autocorrelations: Vec<f64>,
    ln_e: Vec<f64>,
}

/// The evidence after each difference, with its state written and read back in between.
fn evidence(differences: &[f64], autocorrelations: &[f64]) -> Vec<f64> {
    let mut test = PairedT::new();
    let steps = differences.iter().zip(autocorrelations);
    steps
        .map(|(&difference, &autocorrelation)| {
            test.observe(difference, autocorrelation).unwrap();
            let stored = serde_json::to_string(&test).unwrap();
            assert_eq!(serde_json::from_str::<PairedT>(&stored).unwrap(), test);
            test.ln_e()
        })
        .collect()
}

#[test]
fn it_agrees_with_the_reference_after_each_difference() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../data/statistics/paired_t.json")).unwrap();
    for case in cases {
        let found = evidence(&case.differences, &case.autocorrelations);
        for (i, (found, expected)) in found.iter().zip(&case.ln_e).enumerate() {
            let close = (found - expected).abs() <= 1e-9 * expected.abs().max(1.0);
            assert!(close, "{found} not {expected} after {} of {:?}", i + 1, case.differences);
        }
    }
}

#[test]
fn constant_differences_decide_above_zero_alone() {
    let constant = |difference: f64, autocorrelation: f64| {
        evidence(&[difference; 3000], &[autocorrelation; 3000]).into_iter().collect::<Vec<_>>()
    };
    // The third is the first that counts, and three by the cap are more than 1/α = 100.
    let above = constant(0.05, 0.0);
    assert!(above[3] < 100.0_f64.ln() && above[4] > 100.0_f64.ln() && above[2999] > 4000.0);
    assert!(constant(0.05, 0.95)[2999] > 100.0);
    // Beyond 1e-300, where 2Φ is no number any more.
    for (difference, rho) in
        [(-0.05, 0.0), (-0.05, 0.9), (0.0, 0.0), (-0.0, 0.6), (-1e-300, 0.0), (1e-300, 0.0)]
    {
        let evidence = constant(difference, rho);
        assert!(evidence.iter().all(|&ln_e| ln_e <= 0.0 && ln_e.is_finite()), "{difference}");
    }
}

#[test]
fn what_it_says_of_the_differences_is_their_mean_and_deviation() {
    let mut test = PairedT::new();
    assert_eq!((test.count(), test.mean(), test.deviation()), (0, None, None));
    for difference in [2.0, 4.0, 4.0, 6.0] {
        test.observe(difference, 0.5).unwrap();
    }
    assert_eq!((test.count(), test.mean()), (4, Some(4.0)));
    assert!((test.deviation().unwrap() - (8.0_f64 / 3.0).sqrt()).abs() < 1e-15);
}

#[test]
fn what_it_cannot_take_is_named_and_changes_nothing() {
    let mut test = PairedT::new();
    for difference in [0.1, 0.3, 0.2] {
        test.observe(difference, 0.0).unwrap();
    }
    let before = test.clone();
    for difference in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e160, -f64::MAX] {
        let error = test.observe(difference, 0.0).unwrap_err();
        assert!(error.to_string().contains("difference: "), "{error}");
    }
    for autocorrelation in [-0.01, 0.951, f64::NAN] {
        let error = test.observe(0.1, autocorrelation).unwrap_err();
        assert!(error.to_string().contains("autocorrelation: "), "{error}");
    }
    assert_eq!(test, before);
    for state in [
        r#"{"count": 9, "mean": 0.0, "squares": -1.0, "ln_e": 0.0}"#,
        r#"{"count": 9, "mean": null, "squares": 1.0, "ln_e": 0.0}"#,
        r#"{"count": 9, "mean": 1e999, "squares": 1.0, "ln_e": 0.0}"#,
        r#"{"count": 1, "mean": 0.0, "squares": 1.0, "ln_e": 0.0}"#,
        r#"{"count": 2, "mean": 0.0, "squares": 1.0, "ln_e": 0.1}"#,
        r#"{"count": 2, "mean": 0.0, "squares": 1.0, "ln_e": -0.1}"#,
        r#"{"count": 4, "mean": 1.0, "squares": 1.0, "ln_e": 3.3}"#,
        r#"{"count": 18446744073709551615, "mean": 1.0, "squares": 1.0, "ln_e": 3.2}"#,
        r#"{"count": 4, "mean": 1.0, "squares": 1.0, "ln_e": 3.2, "more": 1}"#,
    ] {
        assert!(serde_json::from_str::<PairedT>(state).is_err(), "{state}");
    }
}

proptest! {
    #[test]
    fn one_step_grows_by_five_at_most_and_nothing_leaves_the_numbers(
        steps in proptest::collection::vec((-1e3_f64..1e3, 0.0_f64..=0.95), 1..60), exponent in -40_i32..40,
    ) {
        let (differences, autocorrelations): (Vec<_>, Vec<_>) = steps.into_iter().unzip();
        let found = evidence(&differences, &autocorrelations);
        let mut before = 0.0;
        for &ln_e in &found {
            prop_assert!(ln_e.is_finite() && ln_e <= before + 5.0_f64.ln() + 1e-12);
            before = ln_e;
        }
        // The unit of the differences has no say: to the last bit for a power of two.
        let times = 2.0_f64.powi(exponent);
        let scaled: Vec<_> = differences.iter().map(|difference| difference * times).collect();
        prop_assert_eq!(evidence(&scaled, &autocorrelations), found);
    }

    #[test]
    fn both_directions_together_are_never_evidence(
        differences in proptest::collection::vec(-1.0_f64..1.0, 1..60), mean in -3.0_f64..3.0, rho in 0.0_f64..=0.95,
    ) {
        let up: Vec<_> = differences.iter().map(|difference| difference + mean).collect();
        let down: Vec<_> = up.iter().map(|difference| -difference).collect();
        let rhos = vec![rho; up.len()];
        for (up, down) in evidence(&up, &rhos).into_iter().zip(evidence(&down, &rhos)) {
            prop_assert!(up <= 0.0 || down <= 0.0, "{} {}", up, down);
        }
    }

    /// A shift of all of them, as a larger regression on the same noise is, is never less evidence.
    #[test]
    fn a_larger_shift_is_never_less_evidence(
        differences in proptest::collection::vec(-1.0_f64..1.0, 3..60), more in 0.0_f64..3.0, rho in 0.0_f64..=0.95,
    ) {
        let shifted: Vec<_> = differences.iter().map(|difference| difference + more).collect();
        let rhos = vec![rho; shifted.len()];
        for (less, more) in evidence(&differences, &rhos).into_iter().zip(evidence(&shifted, &rhos)) {
            prop_assert!(more >= less - 1e-9, "{} {}", less, more);
        }
    }
}

/// Differences beyond a margin, autoregressive and normal.
fn run(seed: u64, mean: f64, hanging: f64, autocorrelation: f64) -> Vec<f64> {
    let mut random = Random::new(seed);
    let mut normal =
        || (-2.0 * random.uniform().ln()).sqrt() * (std::f64::consts::TAU * random.uniform()).cos();
    let mut noise = normal();
    let mut test = PairedT::new();
    let looks = (0..LOOKS).map(|_| {
        noise = hanging * noise + (1.0 - hanging * hanging).sqrt() * normal();
        test.observe(mean + noise, autocorrelation).unwrap();
        test.ln_e()
    });
    looks.collect()
}

#[test]
fn false_alarms_over_all_looks_stay_below_alpha() {
    for (mean, rho) in [(0.0, 0.0), (0.0, 0.6), (0.0, 0.9), (-0.2, 0.6)] {
        let found = alarms(|seed| run(seed, mean, rho, rho));
        assert!(found <= MOST_ALARMS, "{found} of {RUNS} at {ALPHA} (mean {mean}, autocorrelation {rho})");
    }
}

#[test]
fn without_the_autocorrelation_or_the_margin_the_bound_is_broken() {
    for (what, mean, autocorrelation) in
        [("autocorrelation 0.6 taken as 0", 0.0, 0.0), ("no margin", 0.4, 0.6)]
    {
        let found = alarms(|seed| run(seed, mean, 0.6, autocorrelation));
        assert!(found > MOST_ALARMS, "{what}: {found} of {RUNS} is within the bound");
    }
}

#[test]
fn a_shift_is_found_and_its_opposite_is_not() {
    let found = alarms(|seed| run(seed, 0.5, 0.0, 0.0));
    assert!(found >= RUNS * 95 / 100, "{found} of {RUNS}");
    assert_eq!(alarms(|seed| run(seed, -0.5, 0.0, 0.0)), 0);
}
