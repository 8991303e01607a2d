//! Blocks that come early, late, twice or out of order.

use nprt_compare::{Decision, Judge};

use crate::blocks::*;

#[test]
fn what_was_before_the_canary_does_not_count() {
    let blocks = [latency(-1, Stable, &[0.1; 100]), latency(-1, Canary, &[0.1; 100])];
    let verdict = judged(MEDIAN, &blocks, 2);
    assert_eq!((verdict.metrics[0].stable_samples, verdict.metrics[0].canary_samples), (0, 0));
    assert!(is_inconclusive(&verdict));
}

#[test]
fn the_minute_in_which_the_canary_started_does_not_count() {
    let started = "2026-11-23T12:00:01Z".parse().unwrap();
    let mut judge = Judge::new(policy(MEDIAN), started).unwrap();
    for (minute, track) in [(0, Stable), (0, Canary), (1, Stable), (1, Canary)] {
        judge.observe(&latency(minute, track, &[0.1; 10])).unwrap();
    }
    assert_eq!(judge.verdict(after(3)).metrics[0].canary_samples, 10);
}

#[test]
fn a_minute_that_still_runs_or_lies_ahead_does_not_count() {
    let blocks = [latency(5, Stable, &[0.1; 100]), latency(5, Canary, &[0.1; 100])];
    for (now, samples) in [(-3, 0), (0, 0), (5, 0), (6, 100)] {
        assert_eq!(judged(MEDIAN, &blocks, now).metrics[0].canary_samples, samples, "{now}");
    }
}

#[test]
fn the_same_block_counts_once_in_whatever_order_its_samples_stand() {
    let mut judge = judge(&format!("{MEDIAN}, {ERRORS}"));
    for _ in 0..3 {
        judge.observe(&latency(0, Canary, &[0.1, 0.2, 0.3])).unwrap();
        judge.observe(&latency(0, Canary, &[0.3, 0.1, 0.2])).unwrap();
        judge.observe(&requests(0, Canary, 60, 0)).unwrap();
        judge.observe(&requests(0, Stable, 60, 0)).unwrap();
        judge.observe_history(&requests(-1, Stable, 30, 0)).unwrap();
        judge.observe(&classes(0, Canary, &[("timeout", 1)])).unwrap();
    }
    let verdict = judge.verdict(after(2));
    assert_eq!((verdict.metrics[0].canary_samples, verdict.metrics[1].canary_samples), (3, 60));
    // 60 and 30 requests of stable are known, not 180 and 90: too few to call the error new.
    assert!(
        is_inconclusive(&verdict) && verdict.metrics[1].reason.contains("only 90 requests"),
        "{verdict:?}"
    );
}

#[test]
fn a_second_block_of_the_same_key_with_other_data_is_a_conflict_and_no_pass() {
    let mut judge = judge(MEDIAN);
    for track in [Stable, Canary] {
        judge.observe(&latency(0, track, &[0.1; 100])).unwrap();
    }
    let error = judge.observe(&latency(0, Canary, &[0.2; 100])).unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert!(judge.verdict(after(2)).metrics[0].canary_samples == 100);
    assert!(is_inconclusive(&judge.verdict(after(2))));
}

#[test]
fn history_is_stables_past_and_nothing_else() {
    let mut judge = judge(ERRORS);
    for (block, named) in [
        (classes(-1, Canary, &[]), "the past is stable's"),
        (classes(0, Stable, &[]), "belongs to `observe`"),
        (requests(-1, Stable, 1, 2), "2 failed of only 1"),
    ] {
        let error = judge.observe_history(&block).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(named), "{error}");
    }
}

#[test]
fn blocks_that_come_late_count_while_their_minute_is_in_the_window() {
    let mut judge = judge(MEDIAN);
    for minute in 0..100 {
        judge.observe(&latency(minute, Stable, &[0.1])).unwrap();
        judge.observe(&latency(99 - minute, Canary, &[0.1])).unwrap();
    }
    let verdict = judge.verdict(after(100));
    assert_eq!((verdict.metrics[0].stable_samples, verdict.metrics[0].canary_samples), (60, 60));
    // Too late: the minute has left the window, and with it the memory.
    judge.observe(&latency(3, Canary, &[9.0; 1000])).unwrap();
    assert_eq!(judge.verdict(after(100)), verdict);
}

#[test]
fn memory_is_bounded_by_the_window() {
    let size = |minutes| {
        let mut judge = judge(&format!("{MEDIAN}, {ERRORS}"));
        for minute in 0..minutes {
            judge.observe(&latency(minute, Stable, &[0.1; 5])).unwrap();
            judge.observe(&requests(minute, Stable, 5, 0)).unwrap();
        }
        format!("{judge:?}").matches("minutes: ").count() + format!("{judge:?}").matches("Samples").count()
    };
    assert_eq!(size(200), size(2000));
}

#[test]
fn what_cannot_be_read_from_before_the_canary_does_not_matter() {
    let mut judge = judge(MEDIAN);
    judge.observe(&latency(-1, Canary, &[f64::NAN])).unwrap();
    judge.observe(&latency(0, Stable, &[0.1; 10])).unwrap();
    judge.observe(&latency(0, Canary, &[0.1; 10])).unwrap();
    assert_eq!(judge.verdict(after(2)).decision, Decision::Pass);
}
