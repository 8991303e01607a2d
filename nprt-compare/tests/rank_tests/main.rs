//! The fixed-horizon rank test beside scipy, its properties, and its speed beside all pairs.
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test says what it expects; halves are exact")]

use std::time::Instant;

use nprt_compare::statistics::mann_whitney::{Finding, MannWhitney, PValues};
use proptest::collection::vec;
use proptest::{prop_assert, prop_assert_eq, proptest};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    stable: Vec<f64>,
    canary: Vec<f64>,
    alpha: f64,
    u: f64,
    exact: bool,
    greater: f64,
    less: f64,
    shift: f64,
    interval: Option<[f64; 2]>,
}

#[test]
fn it_agrees_with_scipy_and_with_whole_numbers() {
    let reference: Reference =
        serde_json::from_str(include_str!("../data/statistics/mann_whitney.json")).unwrap();
    assert!(reference.cases.len() > 50);
    for case in reference.cases {
        let what = format!("{} against {} at {}", case.canary.len(), case.stable.len(), case.alpha);
        let test = MannWhitney::compare(&case.stable, &case.canary, case.alpha).unwrap();
        let PValues { u, greater, less, exact } = PValues::compare(&case.stable, &case.canary).unwrap();
        assert_eq!((u, greater, less, exact), (test.u, test.greater, test.less, test.exact), "{what}");
        assert_eq!(test.u, case.u, "{what}");
        // Ours is exact more often; it is then near the normal one, no more.
        let tolerance = if test.exact == case.exact { 1e-9 } else { 0.02 };
        assert!(test.exact || !case.exact, "{what}");
        for (ours, theirs) in [(test.greater, case.greater), (test.less, case.less)] {
            // All values tie: scipy has no value, and each outcome is this one.
            assert!((ours - theirs).abs() <= tolerance * theirs.max(1e-3), "{what}: {ours} {theirs}");
        }
        assert!((test.shift.unwrap() - case.shift).abs() <= 1e-12, "{what}");
        assert_eq!(test.interval.is_some(), case.interval.is_some(), "{what}");
        for (ours, theirs) in test.interval.iter().flatten().zip(case.interval.iter().flatten()) {
            assert!((ours - theirs).abs() <= 1e-12, "{what}: {ours} {theirs}");
        }
    }
}

#[test]
fn what_it_cannot_test_is_named() {
    for (stable, canary, alpha, named) in [
        (vec![1.0], vec![1.0, f64::NAN], 0.05, "track: canary, index: 1, value: NaN"),
        (vec![f64::INFINITY], vec![1.0], 0.05, "track: stable, index: 0, value: inf"),
        (vec![-1e308], vec![1e308], 0.05, "too far apart"),
        (vec![1.0], vec![1.0], 0.0, "alpha: 0"),
        (vec![1.0], vec![1.0], 0.5, "alpha: 0.5"),
        (vec![1.0], vec![1.0], f64::NAN, "alpha: NaN"),
    ] {
        let error = MannWhitney::compare(&stable, &canary, alpha).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(named), "{error}");
        let of_p_values = PValues::compare(&stable, &canary).err().map(|error| error.to_string());
        assert!(of_p_values.is_none_or(|of_p_values| of_p_values == error.to_string()));
    }
}

#[test]
fn too_few_show_nothing_and_ties_show_no_difference() {
    let none: [f64; 0] = [];
    let long = [0.0; 200];
    let few_of_many: Vec<_> = (0..1000).map(|i| f64::from(u8::from(i < 10))).collect();
    for (stable, canary, expected) in [
        (&none[..], &none[..], Finding::TooFew),
        (&none, &[1.0], Finding::TooFew),
        (&[1.0, 2.0], &none, Finding::TooFew),
        (&[1.0, 2.0], &[8.0, 9.0], Finding::TooFew),
        // Twenty ways to share out: the most extreme has a probability of 0.05 itself.
        (&[1.0, 2.0, 3.0], &[7.0, 8.0, 9.0], Finding::Greater),
        (&[7.0, 8.0, 9.0], &[1.0, 2.0, 3.0], Finding::Less),
        (&[4.0; 9], &[4.0; 9], Finding::NotShown),
        (&[0.0; 9], &[-0.0; 9], Finding::NotShown),
        (&long, &long, Finding::NotShown),
        // One error in two where stable has 10 in 1000: 2 %, which the normal approximation takes for 1e-10.
        (&few_of_many, &[0.0, 1.0], Finding::Greater),
    ] {
        let test = MannWhitney::compare(stable, canary, 0.05).unwrap();
        assert_eq!(test.finding(), expected, "{test:?}");
        assert!(test.two_sided() <= 1.0 && test.greater <= 1.0 && test.less <= 1.0, "{test:?}");
    }
    let rare = MannWhitney::compare(&few_of_many, &[0.0, 1.0], 0.05).unwrap();
    let exact = 1.0 - (991.0 * 990.0) / (1002.0 * 1001.0);
    assert!(rare.exact && (rare.greater - exact).abs() < 1e-9, "{rare:?}");
}

/// Deterministic uniform numbers.
fn uniform(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[test]
fn false_alarms_stay_within_alpha_and_a_shift_is_found() {
    let mut next = uniform(11);
    for (m, n, levels) in [(5, 5, 1e9), (9, 6, 4.0), (60, 80, 1e9), (60, 80, 3.0)] {
        let (mut false_alarms, mut found, mut covered) = (0, 0, 0);
        let runs = 1000;
        for _ in 0..runs {
            let mut sample = |count| -> Vec<f64> { (0..count).map(|_| (next() * levels).floor()).collect() };
            let (stable, canary) = (sample(m), sample(n));
            let test = MannWhitney::compare(&stable, &canary, 0.05).unwrap();
            false_alarms += u32::from(test.finding() == Finding::Greater);
            covered += u32::from(test.interval.is_some_and(|[low, high]| low <= 0.0 && 0.0 <= high));
            let slower: Vec<_> = canary.iter().map(|value| value + levels).collect();
            let test = MannWhitney::compare(&stable, &slower, 0.05).unwrap();
            found += u32::from(test.finding() == Finding::Greater);
        }
        // 50 expected at the most, with a standard deviation of 7; a swapped tail or 2 alpha breaks it.
        assert!(false_alarms <= 78, "{false_alarms} of {runs} at {m}, {n}, {levels}");
        // 900 expected at the least; without ties the test is not idle either.
        assert!(covered >= 862, "{covered} of {runs} at {m}, {n}, {levels}");
        assert!(levels < 1e9 || false_alarms >= 20, "{false_alarms} of {runs} at {m}, {n}, {levels}");
        assert_eq!(found, runs, "{m}, {n}, {levels}");
    }
}

proptest! {
    #[test]
    fn order_side_and_scale_change_nothing(
        stable in vec(-9_i32..9, 1..15), canary in vec(-9_i32..9, 1..15), exponent in -60_i32..60,
    ) {
        let scaled = |values: &[i32], by: f64| values.iter().map(|v| f64::from(*v) * by).collect::<Vec<_>>();
        let (x, y) = (scaled(&stable, 0.1), scaled(&canary, 0.1));
        let test = MannWhitney::compare(&x, &y, 0.05).unwrap();

        let (mut reversed, mut sorted) = (x.clone(), y.clone());
        reversed.reverse();
        sorted.sort_by(f64::total_cmp);
        prop_assert_eq!(&MannWhitney::compare(&reversed, &sorted, 0.05).unwrap(), &test);

        let power = 2.0_f64.powi(exponent);
        let (px, py) = (scaled(&stable, 0.1 * power), scaled(&canary, 0.1 * power));
        let mut expected = test.clone();
        expected.shift = expected.shift.map(|shift| shift * power);
        expected.interval = expected.interval.map(|ends| ends.map(|end| end * power));
        prop_assert_eq!(&MannWhitney::compare(&px, &py, 0.05).unwrap(), &expected);

        let swapped = MannWhitney::compare(&y, &x, 0.05).unwrap();
        prop_assert_eq!(swapped.shift, test.shift.map(|shift| -shift));
        prop_assert_eq!(swapped.interval, test.interval.map(|[low, high]| [-high, -low]));
        prop_assert!((swapped.greater - test.less).abs() < 1e-12, "{} {}", swapped.greater, test.less);
        prop_assert_eq!(swapped.u + test.u, (x.len() * y.len()) as f64);
    }

    /// The interval excludes 0 where, and only where, the test says so.
    #[test]
    fn without_ties_test_and_interval_agree(
        m in 3_u32..12, n in 3_u32..12, seed in 1_u64..u64::MAX, shift in -0.5_f64..0.5,
    ) {
        let mut next = uniform(seed);
        // Exact and normal.
        let (m, n) = if seed % 2 == 0 { (m, n) } else { (50 * m, 50 + n) };
        let stable: Vec<_> = (0..m).map(|_| next()).collect();
        let canary: Vec<_> = (0..n).map(|_| next() + shift).collect();
        let test = MannWhitney::compare(&stable, &canary, 0.05).unwrap();
        let [low, high] = test.interval.unwrap();
        let estimate = test.shift.unwrap();
        prop_assert!(low <= estimate && estimate <= high);
        prop_assert_eq!(low > 0.0, test.finding() == Finding::Greater, "{:?}", test);
        prop_assert_eq!(high < 0.0, test.finding() == Finding::Less, "{:?}", test);
    }
}

#[test]
fn it_is_many_times_faster_than_all_pairs() {
    let mut next = uniform(3);
    let stable: Vec<_> = (0..1500).map(|_| next()).collect();
    let canary: Vec<_> = (0..1500).map(|_| next()).collect();
    let timed = |work: &dyn Fn() -> f64| {
        let runs = (0..3).map(|_| {
            let started = Instant::now();
            (work(), started.elapsed())
        });
        runs.min_by_key(|(_, elapsed)| *elapsed).unwrap()
    };
    let (shift, ours) = timed(&|| MannWhitney::compare(&stable, &canary, 0.01).unwrap().shift.unwrap());
    let (median, pairs) = timed(&|| {
        let mut all: Vec<_> = canary.iter().flat_map(|c| stable.iter().map(move |s| c - s)).collect();
        let (lower, &mut upper, _) = all.select_nth_unstable_by(1500 * 1500 / 2, f64::total_cmp);
        f64::midpoint(lower.iter().copied().fold(f64::NEG_INFINITY, f64::max), upper)
    });
    assert!((shift - median).abs() < 1e-15, "{shift} {median}");
    // Ours finds four order statistics and the p-values meanwhile; quadratic work would take as long.
    assert!(ours * 2 < pairs, "{ours:?} for all of it, {pairs:?} for the median by all pairs");
}
