//! What holds for all data.

use nprt_compare::{Decision, Verdict};
use nprt_core::model::{Block, BlockData};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::{prop_assert, prop_assert_eq, proptest};

use crate::blocks::*;

const RULES: fn() -> String = || format!("{MEDIAN}, {ERRORS}");

/// Blocks of both tracks over some minutes, none of the same key.
fn series() -> impl Strategy<Value = Vec<Block>> {
    let minute = (vec(0.0_f64..2.0, 0..8), vec(0.0_f64..2.0, 0..8), 0_u64..40, 0_u64..3);
    vec(minute, 0..8).prop_map(|minutes| {
        let mut blocks = vec![];
        for (minute, (stable, canary, count, failed)) in (0..).zip(minutes) {
            let failed = failed.min(count);
            blocks.push(latency(minute, Stable, &stable));
            blocks.push(latency(minute, Canary, &canary));
            blocks.push(requests(minute, Stable, 2 * count, failed));
            blocks.push(requests(minute, Canary, count, failed));
            blocks.push(classes(minute, Stable, &[("timeout", failed)]));
            blocks.push(classes(minute, Canary, &[("timeout", failed), ("reset", failed / 2)]));
        }
        blocks
    })
}

fn verdict(blocks: &[Block]) -> Verdict {
    judged(&RULES(), blocks, 8)
}

proptest! {
    #[test]
    fn the_order_of_blocks_and_samples_changes_nothing(
        (blocks, shuffled) in series().prop_flat_map(|blocks| (Just(blocks.clone()), Just(blocks).prop_shuffle())),
        seed in any::<u64>(),
    ) {
        let mut shuffled = shuffled;
        for block in &mut shuffled {
            if let BlockData::Samples(samples) = &mut block.data {
                let by = usize::try_from(seed % 7).unwrap();
                let length = samples.len().max(1);
                samples.rotate_left(by % length);
            }
        }
        prop_assert_eq!(verdict(&blocks), verdict(&shuffled));
    }

    #[test]
    fn parts_amount_to_the_whole(blocks in series(), cut in 0_usize..8) {
        let parts = blocks.iter().flat_map(|block| match &block.data {
            BlockData::Samples(samples) => {
                let (left, right) = samples.split_at(cut.min(samples.len()));
                let part = |pod: &str, samples: &[f64]| Block {
                    pod: Some(pod.to_owned()),
                    data: BlockData::Samples(samples.to_vec()),
                    ..block.clone()
                };
                vec![part("a", left), part("b", right)]
            }
            BlockData::Requests { requests, errors } => {
                let part = |pod: &str, requests, errors| Block {
                    pod: Some(pod.to_owned()),
                    data: BlockData::Requests { requests, errors },
                    ..block.clone()
                };
                vec![part("a", requests - errors, 0), part("b", *errors, *errors)]
            }
            _ => vec![block.clone()],
        });
        prop_assert_eq!(verdict(&blocks), verdict(&parts.collect::<Vec<_>>()));
    }

    #[test]
    fn parts_of_a_histogram_amount_to_the_whole(
        stable in vec(0_u64..50, 4), canary in vec(0_u64..50, 4), cut in vec(0_u64..50, 4),
    ) {
        let edges = [0.1, 0.2, 0.3];
        let whole = [histogram(0, Stable, &edges, &stable), histogram(0, Canary, &edges, &canary)];
        let part = |track, pod: &str, counts: Vec<u64>| Block {
            pod: Some(pod.to_owned()),
            ..histogram(0, track, &edges, &counts)
        };
        let parts: Vec<_> = [(Stable, &stable), (Canary, &canary)]
            .into_iter()
            .flat_map(|(track, counts)| {
                let left: Vec<_> = counts.iter().zip(&cut).map(|(count, cut)| *count.min(cut)).collect();
                let right = counts.iter().zip(&left).map(|(count, left)| count - left).collect();
                [part(track, "a", left), part(track, "b", right)]
            })
            .collect();
        prop_assert_eq!(judged(MEDIAN, &whole, 8), judged(MEDIAN, &parts, 8));
    }

    #[test]
    fn the_scale_changes_nothing(blocks in series(), power in -30_i32..30) {
        let scale = 2_f64.powi(power);
        let scaled: Vec<_> = blocks
            .iter()
            .cloned()
            .map(|mut block| {
                if let BlockData::Samples(samples) = &mut block.data {
                    samples.iter_mut().for_each(|sample| *sample *= scale);
                }
                block
            })
            .collect();
        let (unscaled, scaled) = (verdict(&blocks), verdict(&scaled));
        prop_assert_eq!(&unscaled.decision, &scaled.decision);
        prop_assert_eq!(unscaled.metrics[0].limit.map(|limit| limit * scale), scaled.metrics[0].limit);
    }

    #[test]
    fn the_time_of_day_changes_nothing(blocks in series(), shift in -500_000_i64..500_000) {
        let started = after(shift);
        let mut judge = nprt_compare::Judge::new(policy(&RULES()), started).unwrap();
        for block in &blocks {
            judge.observe(&Block { minute: block.minute + shift, ..block.clone() }).unwrap();
        }
        let moved = judge.verdict(after(shift + 8));
        let unmoved = verdict(&blocks);
        prop_assert_eq!((moved.decision, moved.metrics), (unmoved.decision, unmoved.metrics));
    }

    #[test]
    fn a_canary_that_equals_stable_is_never_a_regression(blocks in series()) {
        let twins: Vec<_> = blocks
            .iter()
            .filter(|block| block.track == Canary)
            .flat_map(|block| [block.clone(), Block { track: Stable, ..block.clone() }])
            .collect();
        prop_assert!(verdict(&twins).decision != Decision::Regression);
    }

    #[test]
    fn histograms_of_equals_are_never_a_regression(counts in vec(0_u64..1000, 4)) {
        let twins = [Stable, Canary].map(|track| histogram(0, track, &[0.1, 0.2, 0.3], &counts));
        prop_assert!(judged(MEDIAN, &twins, 8).decision != Decision::Regression);
    }

    #[test]
    fn a_pass_had_enough_on_both_tracks_and_no_figure_above_its_limit(blocks in series()) {
        let verdict = verdict(&blocks);
        if verdict.decision == Decision::Pass {
            let latency = &verdict.metrics[0];
            prop_assert!(latency.stable_samples >= 10 && latency.canary_samples >= 10);
            prop_assert!(latency.canary.unwrap() <= latency.limit.unwrap());
            prop_assert!(verdict.metrics[1].canary_samples >= 100);
        }
    }

    #[test]
    fn a_slower_canary_is_not_judged_milder(
        stable in vec(0.0_f64..2.0, 10..40), canary in vec(0.0_f64..2.0, 10..40), factor in 1.0_f64..4.0,
    ) {
        let slower: Vec<_> = canary.iter().map(|sample| sample * factor).collect();
        let decision = |canary: &[f64]| {
            judged(MEDIAN, &[latency(0, Stable, &stable), latency(0, Canary, canary)], 8).decision
        };
        prop_assert!(decision(&canary) != Decision::Regression || decision(&slower) == Decision::Regression);
    }
}
