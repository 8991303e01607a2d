use nprt_compare::statistics::Overdispersion;
use nprt_compare::statistics::rank::{LAMBDAS, RankBlock, RankTest, Scored, mid_ranks};
use proptest::{prop_assert, prop_assert_eq, proptest};

use crate::simulation::{ALPHA, Block, MOST_ALARMS, RUNS, alarms, blocks};

const NONE: Overdispersion = Overdispersion::NONE;

/// The excess in standard deviations.
fn standardised(block: &RankBlock) -> Option<f64> {
    block.moments().map(|moments| moments.excess / moments.variance.sqrt())
}

#[derive(serde::Deserialize)]
struct Case {
    earlier: Vec<u64>,
    canary: Vec<u64>,
    stable: Vec<u64>,
    standardised: f64,
    ln_factors: [f64; LAMBDAS.len()],
    exact: [f64; LAMBDAS.len()],
}

fn block(scores: &[f64], canary: &[u64], stable: &[u64]) -> RankBlock {
    let scored = scores.iter().zip(canary).zip(stable);
    RankBlock::new(scored.map(|((&score, &canary), &stable)| Scored { score, canary, stable }).collect())
        .unwrap()
}

#[test]
fn factors_are_those_of_the_reference_and_never_above_the_exact_ones() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../data/statistics/rank.json")).unwrap();
    for case in cases {
        let block = block(&mid_ranks(&case.earlier), &case.canary, &case.stable);
        let close = |found: f64, expected: f64| (found - expected).abs() <= 1e-9;
        assert!(close(standardised(&block).unwrap(), case.standardised), "{block:?}");
        for (i, lambda) in LAMBDAS.iter().enumerate() {
            let (found, exact) = (block.ln_factors()[i], case.exact[i]);
            assert!(close(found, case.ln_factors[i]), "{found} not {} of {block:?}", case.ln_factors[i]);
            assert!(found <= exact + 1e-12, "{found} above {exact} of {block:?}");
            assert!(found >= exact - 0.1 * lambda.powi(2), "{found} far below {exact} of {block:?}");
        }
    }
}

#[test]
fn a_block_that_cannot_tell_leaves_the_evidence() {
    let mut test = RankTest::default();
    for (scores, canary, stable) in [
        (vec![], vec![], vec![]),
        (vec![0.1, 0.9], vec![0, 0], vec![1, 2]),
        (vec![0.1, 0.9], vec![1, 2], vec![0, 0]),
        (vec![0.3; 2], vec![1, 2], vec![2, 1]),
    ] {
        let block = block(&scores, &canary, &stable);
        assert_eq!(standardised(&block), None);
        test.observe(NONE, [block.ln_factors()]);
    }
    assert!(test.ln_e().abs() < 1e-12, "{}", test.ln_e());
    assert_eq!(mid_ranks(&[0, 0]), [0.0, 0.0]);
}

#[test]
fn what_is_no_score_is_an_error() {
    for score in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert!(RankBlock::new(vec![Scored { score, canary: 1, stable: 1 }]).is_err(), "{score}");
    }
    let of_quantiles = "[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]";
    assert!(serde_json::from_str::<RankTest>(of_quantiles).is_err());
}

#[test]
fn huge_blocks_stay_finite_and_one_burst_does_not_decide() {
    let million_million = 1_000_000_000_000;
    let burst = block(&[0.0, 1.0], &[0, million_million], &[million_million, 0]);
    assert!(burst.ln_factors().iter().all(|ln_factor| ln_factor.is_finite() && *ln_factor > 1e9));
    let mut test = RankTest::default();
    test.observe(NONE, [burst.ln_factors(); 2]);
    assert!((test.ln_e() - 5.0_f64.ln()).abs() < 1e-12);
}

proptest! {
    #[test]
    fn the_order_of_scores_changes_nothing_and_the_state_goes_on(
        counts in proptest::collection::vec((0_u64..9, 0_u64..20, 0.0_f64..1.0), 1..20), phi in 1.0_f64..4.0,
    ) {
        let scored: Vec<_> =
            counts.into_iter().map(|(canary, stable, score)| Scored { score, canary, stable }).collect();
        let forward = RankBlock::new(scored.clone()).unwrap();
        let backward = RankBlock::new(scored.into_iter().rev().collect()).unwrap();
        prop_assert_eq!(&forward, &backward);
        let phi = Overdispersion::new(phi).unwrap();
        let mut whole = RankTest::default();
        whole.observe(phi, [forward.ln_factors()]);
        let mut resumed: RankTest = serde_json::from_str(&serde_json::to_string(&whole).unwrap()).unwrap();
        for test in [&mut whole, &mut resumed] {
            test.observe(phi, [forward.reversed().ln_factors()]);
        }
        prop_assert_eq!(whole.ln_e().to_bits(), resumed.ln_e().to_bits());
    }

    #[test]
    fn both_directions_together_are_never_evidence(
        counts in proptest::collection::vec((0_u64..9, 0_u64..20, 0.0_f64..1.0), 1..20),
    ) {
        let scored = counts.into_iter().map(|(canary, stable, score)| Scored { score, canary, stable });
        let block = RankBlock::new(scored.collect()).unwrap();
        for (up, down) in block.ln_factors().into_iter().zip(block.reversed().ln_factors()) {
            prop_assert!(up + down <= 1e-9, "{} {}", up, down);
        }
    }
}

/// How a block's samples are scored: soundly, or as a broken implementation would.
type Score = fn(&[f64], &Block) -> RankBlock;

/// Scores of samples by stable's sorted earlier ones.
fn scored(earlier: &[f64], canary: &[f64], stable: &[f64]) -> RankBlock {
    let rank = |sample: &f64| earlier.partition_point(|past| past < sample) as f64 / earlier.len() as f64;
    let of = |samples: &[f64], canary, stable| -> Vec<_> {
        samples.iter().map(|sample| Scored { score: rank(sample), canary, stable }).collect()
    };
    RankBlock::new([of(canary, 1, 0), of(stable, 0, 1)].concat()).unwrap()
}

fn run(seed: u64, times: f64, score: Score) -> Vec<f64> {
    let mut test = RankTest::default();
    let mut past = Vec::<f64>::new();
    let mut looks = vec![];
    for block in blocks(seed, times) {
        if !past.is_empty() {
            test.observe(NONE, [score(&past, &block).ln_factors()]);
        }
        past.clone_from(&block.stable);
        past.sort_by(f64::total_cmp);
        looks.push(test.ln_e());
    }
    looks
}

fn sound(past: &[f64], block: &Block) -> RankBlock {
    scored(past, &block.canary, &block.stable)
}

#[test]
fn false_alarms_over_all_looks_stay_below_alpha() {
    let found = alarms(|seed| run(seed, 1.0, sound));
    assert!(found <= MOST_ALARMS, "{found} of {RUNS} at {ALPHA}");
    assert_eq!(alarms(|seed| run(seed, 0.8, sound)), 0, "faster is no regression");
}

#[test]
fn a_test_that_is_not_conditional_on_the_block_raises_more_alarms() {
    // Beside stable's scores of the last block, which by its own ranks are spread evenly.
    let found = alarms(|seed| run(seed, 1.0, |past, block| scored(past, &block.canary, past)));
    assert!(found > MOST_ALARMS, "{found} of {RUNS} is within the bound");
}

#[test]
fn a_slower_canary_is_found_and_with_swapped_tracks_it_is_not() {
    let slower = alarms(|seed| run(seed, 1.5, sound));
    assert!(slower >= RUNS * 9 / 10, "{slower} of {RUNS}");
    let swapped = alarms(|seed| run(seed, 1.5, |past, block| scored(past, &block.stable, &block.canary)));
    assert!(swapped <= RUNS / 100, "{swapped} of {RUNS}");
}
