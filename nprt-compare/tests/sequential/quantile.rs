use nprt_compare::Percentile;
use nprt_compare::statistics::Overdispersion;
use nprt_compare::statistics::quantile::{Exceedances, ODDS, QuantileTest};
use proptest::{prop_assert, prop_assert_eq, proptest};

use crate::simulation::{ALPHA, CANARY, MOST_ALARMS, RUNS, STABLE, alarms, blocks};

const NONE: Overdispersion = Overdispersion::NONE;

#[derive(serde::Deserialize)]
struct Case {
    canary: (u64, u64),
    stable: (u64, u64),
    ln_factors: [f64; ODDS.len()],
}

#[test]
fn factors_are_those_of_the_reference() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../data/statistics/quantile.json")).unwrap();
    for case in cases {
        let found = Exceedances::new(case.canary, case.stable).unwrap().ln_factors();
        for (found, expected) in found.into_iter().zip(case.ln_factors) {
            let close = (found - expected).abs() <= 1e-9 * expected.abs().max(1.0);
            assert!(close, "{found} not {expected} of {:?} {:?}", case.canary, case.stable);
        }
    }
}

#[test]
fn a_block_that_cannot_tell_leaves_the_evidence() {
    let mut test = QuantileTest::default();
    for (canary, stable) in
        [((0, 0), (0, 0)), ((1, 2), (0, 0)), ((0, 0), (1, 2)), ((0, 9), (0, 9)), ((9, 9), (9, 9))]
    {
        test.observe(NONE, [Exceedances::new(canary, stable).unwrap().ln_factors()]);
    }
    test.observe(NONE, []);
    assert!(test.ln_e().abs() < 1e-12, "{}", test.ln_e());
}

#[test]
fn counts_that_are_none_are_errors() {
    for (canary, stable, track) in
        [((2, 1), (0, 1), "canary"), ((0, 1), (2, 1), "stable"), ((0, u64::MAX), (0, 0), "canary")]
    {
        let error = Exceedances::new(canary, stable).unwrap_err().to_string();
        assert!(error.contains(&format!("track: {track}")), "{error}");
    }
    let short = "[0.0]";
    assert!(serde_json::from_str::<QuantileTest>(short).is_err());
}

#[test]
fn blocks_of_a_thousand_million_samples_are_judged_by_the_bound() {
    let thousand_million = 1_000_000_000;
    let block =
        |canary| Exceedances::new((canary, thousand_million), (10_000_000, thousand_million)).unwrap();
    assert!(block(10_000_000).ln_factors().iter().all(|ln_factor| *ln_factor < 0.0));
    assert!(block(11_000_000).ln_factors()[0] > 1_000.0, "{:?}", block(11_000_000).ln_factors());
}

#[test]
fn one_burst_on_every_route_does_not_decide() {
    let mut test = QuantileTest::default();
    let burst = Exceedances::new((500, 500), (0, 1500)).unwrap();
    test.observe(NONE, [burst.ln_factors(); 10]);
    assert!((test.ln_e() - 5.0_f64.ln()).abs() < 1e-12, "{}", test.ln_e());
}

proptest! {
    #[test]
    fn the_state_goes_on_where_it_was_written(
        counts in proptest::collection::vec((0_u64..=20, 0_u64..=60), 1..20), cut in 0_usize..20, phi in 1.0_f64..4.0,
    ) {
        let phi = Overdispersion::new(phi).unwrap();
        let mut whole = QuantileTest::default();
        let mut resumed = whole.clone();
        for (i, &(canary, stable)) in counts.iter().enumerate() {
            let block = Exceedances::new((canary, 20), (stable, 60)).unwrap().ln_factors();
            whole.observe(phi, [block]);
            resumed.observe(phi, [block]);
            if i == cut {
                resumed = serde_json::from_str(&serde_json::to_string(&resumed).unwrap()).unwrap();
            }
        }
        prop_assert_eq!(whole.ln_e().to_bits(), resumed.ln_e().to_bits());
    }

    /// Exact: the factor is 1 on average over all ways to draw the labels.
    #[test]
    fn a_factor_is_one_on_average(canary in 1_u64..9, stable in 1_u64..9, above in 0_u64..17) {
        let above = above.min(canary + stable);
        let choose = |n: u64, k: u64| (0..k).fold(1.0, |product, i| product * (n - i) as f64 / (i + 1) as f64);
        let mut average = [0.0; ODDS.len()];
        for k in above.saturating_sub(stable)..=canary.min(above) {
            let weight = choose(above, k) * choose(canary + stable - above, canary - k) / choose(canary + stable, canary);
            let block = Exceedances::new((k, canary), (above - k, stable)).unwrap();
            for (sum, ln_factor) in average.iter_mut().zip(block.ln_factors()) {
                *sum += weight * ln_factor.exp();
            }
        }
        prop_assert!(average.iter().all(|one| (one - 1.0).abs() < 1e-10), "{:?}", average);
    }

    #[test]
    fn more_above_on_the_canary_is_never_less_evidence(
        counts in proptest::collection::vec((0_u64..=20, 0_u64..=20, 0_u64..=60), 1..30), phi in 1.0_f64..4.0,
    ) {
        let phi = Overdispersion::new(phi).unwrap();
        let mut tests = [(); 2].map(|()| QuantileTest::default());
        for (canary, more, stable) in counts {
            for (test, above) in tests.iter_mut().zip([canary, (canary + more).min(20)]) {
                test.observe(phi, [Exceedances::new((above, 20), (stable, 60)).unwrap().ln_factors()]);
            }
        }
        prop_assert!(tests[1].ln_e() >= tests[0].ln_e() - 1e-9);
    }
}

/// What a block's counts become: as they are, or as a broken implementation would take them.
type Counts = fn(&Exceeding) -> ((u64, u64), (u64, u64));

/// Samples above stable's recent p90.
struct Exceeding {
    canary: u64,
    stable: u64,
    /// Above by the quantile of this very block of stable.
    peeked: u64,
    /// What one expects above if no level drifts: a tenth.
    expected: u64,
}

/// ln E after each block of a comparison.
fn run(seed: u64, times: f64, counts: Counts) -> Vec<f64> {
    let mut test = QuantileTest::default();
    let p90 = Percentile::new(90.0).unwrap();
    let mut past = Vec::<f64>::new();
    let mut looks = vec![];
    for block in blocks(seed, times) {
        if let Some(threshold) = p90.of_samples(&mut past.clone()) {
            let own = p90.of_samples(&mut block.stable.clone()).unwrap();
            let above = |samples: &[f64], threshold| {
                samples.iter().filter(|&&sample| sample > threshold).count() as u64
            };
            let (canary, stable) = counts(&Exceeding {
                canary: above(&block.canary, threshold),
                stable: above(&block.stable, threshold),
                peeked: above(&block.canary, own),
                expected: STABLE as u64 / 10,
            });
            test.observe(NONE, [Exceedances::new(canary, stable).unwrap().ln_factors()]);
        }
        // The threshold follows the level: of the last three blocks.
        past.drain(..past.len().saturating_sub(2 * STABLE));
        past.extend(block.stable);
        looks.push(test.ln_e());
    }
    looks
}

const N: (u64, u64) = (CANARY as u64, STABLE as u64);

fn sound(block: &Exceeding) -> ((u64, u64), (u64, u64)) {
    ((block.canary, N.0), (block.stable, N.1))
}

#[test]
fn false_alarms_over_all_looks_stay_below_alpha() {
    let found = alarms(|seed| run(seed, 1.0, sound));
    assert!(found <= MOST_ALARMS, "{found} of {RUNS} at {ALPHA}");
    // A canary that is faster is no regression either.
    assert_eq!(alarms(|seed| run(seed, 0.8, sound)), 0);
}

#[test]
fn a_broken_test_raises_more_alarms_than_the_bound_allows() {
    let mutations: [(&str, Counts); 3] = [
        ("counts of one track with the size of the other", |b| ((b.stable.min(N.0), N.0), (b.canary, N.1))),
        ("not conditional on the block", |b| ((b.canary, N.0), (b.expected, N.1))),
        ("a threshold from within the block", |b| ((b.peeked, N.0), (b.expected, N.1))),
    ];
    for (name, counts) in mutations {
        let found = alarms(|seed| run(seed, 1.0, counts));
        assert!(found > MOST_ALARMS, "{name}: {found} of {RUNS} is within the bound");
    }
}

#[test]
fn a_slower_canary_is_found_and_with_swapped_tracks_it_is_not() {
    let slower = alarms(|seed| run(seed, 1.5, sound));
    assert!(slower >= RUNS * 9 / 10, "{slower} of {RUNS}");
    let swapped = alarms(|seed| run(seed, 1.5, |b| ((b.stable, N.1), (b.canary, N.0))));
    assert!(swapped <= RUNS / 100, "{swapped} of {RUNS}");
}
