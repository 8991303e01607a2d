//! What production does to the order of things: late blocks, clocks that differ, pods that come and go.

use nprt_compare::{Counted, Decision, Judge};
use nprt_core::model::{Block, BlockData, Track};

use crate::world::*;

fn counted(judge: &mut Judge, minutes: i64) -> Counted {
    judge.verdict(after(minutes)).metrics[0].evidence.clone().unwrap().counted
}

fn slow(block: &mut Block, factor: f64) {
    if let BlockData::Samples(samples) = &mut block.data {
        samples.iter_mut().for_each(|sample| *sample *= factor);
    }
}

/// A hundred times as slow, of a minute that is long closed: it is counted, and changes nothing else.
#[test]
fn a_block_that_comes_too_late_is_left_out_and_counted() {
    let random = &mut 11;
    let mut judge = judge(random);
    for block in (0..10).flat_map(|at| minute(at, 1.0, random)) {
        judge.observe(&block).unwrap();
    }
    let before = judge.verdict(after(10));
    for mut block in minute(3, 1.0, random) {
        slow(&mut block, 100.0);
        judge.observe(&block).unwrap();
    }
    let now = judge.verdict(after(10));
    let late = |verdict: &nprt_compare::Verdict| verdict.metrics[0].evidence.clone().unwrap().counted.late;
    assert_eq!((late(&before), late(&now)), (0, 8));
    assert_eq!(now.decision, before.decision);
    let tests = |verdict: &nprt_compare::Verdict| verdict.metrics[0].evidence.clone().unwrap().tests;
    assert_eq!(tests(&now), tests(&before));
}

/// The canary's metrics come a minute after stable's: once they are there, nothing differs from having come in time.
#[test]
fn a_track_that_lags_by_a_minute_gets_the_same_verdict() {
    let random = &mut 12;
    let mut prompt = judge(random);
    let mut lagging = prompt.clone();
    let mut waiting: Vec<Block> = Vec::new();
    for at in 0..20 {
        let blocks = minute(at, 1.1, random);
        blocks.iter().for_each(|block| prompt.observe(block).unwrap());
        let (stable, canary): (Vec<_>, Vec<_>) =
            blocks.into_iter().partition(|block| block.track == Track::Stable);
        stable.iter().for_each(|block| lagging.observe(block).unwrap());
        waiting.drain(..).for_each(|block| lagging.observe(&block).unwrap());
        waiting = canary;
    }
    waiting.drain(..).for_each(|block| lagging.observe(&block).unwrap());
    assert_eq!(lagging.verdict(after(20)), prompt.verdict(after(20)));
    assert_eq!(counted(&mut lagging, 20).late, 0);
}

/// One track's clock goes wrong by a minute, so that it names the minute before or after: still no false alarm,
/// and what is slower is found.
#[test]
fn clocks_that_differ_by_a_minute_do_not_change_what_is_decided() {
    for skew in [-1, 1] {
        for (factor, expected) in [(1.0, "pass"), (1.25, "regression")] {
            let random = &mut 13;
            let mut judge = judge(random);
            let blocks = |at| {
                let mut blocks = minute(at, factor, random);
                blocks
                    .iter_mut()
                    .filter(|block| block.track == Track::Canary)
                    .for_each(|block| block.minute += skew);
                blocks
            };
            let (decision, took) = decide(&mut judge, blocks).expect("in two hours");
            assert_eq!(decision.as_str(), expected, "skew {skew}, after {took} min");
        }
    }
}

/// The canary grows from two pods to four, which start cold, or stable shrinks from six to two.
#[test]
fn scaling_of_either_track_in_the_middle_does_not_change_what_is_decided() {
    type Scale = fn(i64, Vec<Block>) -> Vec<Block>;
    let canary_up: Scale = |at, mut blocks| {
        let of_canary: Vec<Block> =
            blocks.iter().filter(|block| block.track == Track::Canary).cloned().collect();
        for mut block in of_canary.into_iter().filter(|_| at >= 4) {
            block.pod = block.pod.map(|pod| format!("{pod}-more"));
            slow(&mut block, if at < 8 { 4.0 } else { 1.0 });
            blocks.push(block);
        }
        blocks
    };
    let stable_down: Scale = |at, mut blocks| {
        blocks.retain(|block| {
            block.track == Track::Canary
                || at < 4
                || ["pod-0", "pod-1"].contains(&block.pod.as_deref().unwrap())
        });
        blocks
    };
    let stable_up: Scale = |at, mut blocks| {
        let more: Vec<Block> = blocks.iter().filter(|block| block.track == Track::Stable).cloned().collect();
        for mut block in more.into_iter().filter(|_| at >= 4) {
            block.pod = block.pod.map(|pod| format!("{pod}-more"));
            slow(&mut block, if at < 8 { 4.0 } else { 1.0 });
            blocks.push(block);
        }
        blocks
    };
    for (name, scale) in [("canary up", canary_up), ("stable down", stable_down), ("stable up", stable_up)] {
        for (factor, expected) in [(1.0, Decision::Pass), (1.25, Decision::Regression)] {
            let random = &mut 14;
            let mut judge = judge(random);
            let (decision, took) =
                decide(&mut judge, |at| scale(at, minute(at, factor, random))).expect("in two hours");
            assert_eq!(decision, expected, "{name}, after {took} min");
        }
    }
}

/// Both tracks' clocks are ahead of the judge's: what they name is closed before its time comes.
#[test]
fn a_verdict_on_a_time_before_the_closed_minutes_is_inconclusive() {
    let random = &mut 14;
    let mut judge = judge(random);
    (0..8).flat_map(|at| minute(at, 1.0, random)).for_each(|block| judge.observe(&block).unwrap());
    let mut other = judge.clone();
    for at in 0..8 {
        assert!(matches!(judge.verdict(after(at)).decision, Decision::Inconclusive { .. }), "{at}");
    }
    assert_eq!(judge.verdict(after(8)), other.verdict(after(8)));
}
