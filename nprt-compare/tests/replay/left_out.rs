//! What a recorded series could not use counts as it does of a canary that runs.

use jiff::Timestamp;
use nprt_compare::replay::{History, Judged, Line, Record, Replay, RunId};
use nprt_compare::report::Report;
use nprt_compare::{Decision, Judge, Policy, Preset};
use nprt_core::model::{MetricName, Track};
use nprt_core::ports::{LeftOut, LeftOutReason};

use crate::judging::{policy, run};

const FIRST: i64 = 29_928_300;

fn left_out(minutes: i64, points: u64) -> Vec<(MetricName, LeftOut)> {
    let of = |minute| {
        let (reason, track) = (LeftOutReason::NotANumber, Some(Track::Canary));
        (MetricName::new("latency").unwrap(), LeftOut { reason, minute: Some(FIRST + minute), track, points })
    };
    (0..minutes).map(of).collect()
}

fn replayed(policy: Policy, records: &[Record], minutes: i64, points: u64) -> Vec<Judged> {
    let records = records.iter().cloned().map(|record| Ok((1, record)));
    let of_run =
        left_out(minutes, points).into_iter().map(|(metric, left_out)| (RunId::from("a"), metric, left_out));
    let replay = Replay::of(policy, records).unwrap().with_left_out(of_run);
    replay.map(Result::unwrap).collect()
}

#[test]
fn a_replay_counts_it_as_a_judge_does() {
    let records = run("a", FIRST, 40, 1.0);
    let start = Timestamp::from_second(60 * FIRST).unwrap();
    let mut judge = Judge::new(Policy::preset(Preset::Default), start).unwrap();
    for (metric, left_out) in left_out(4, 2) {
        judge.observe_left_out(&metric, &left_out);
    }
    records.iter().for_each(|record| judge.observe(&record.block).unwrap());
    let last = replayed(Policy::preset(Preset::Default), &records, 4, 2).pop().unwrap();
    assert_eq!(last.verdict, judge.verdict(Timestamp::from_second(60 * (FIRST + 40)).unwrap()));
    assert!(
        last.verdict.reason.contains("8 points in 4 of 40 minutes of `latency` left out: NaN"),
        "{}",
        last.verdict.reason
    );
    let written = serde_json::to_string(&judge.state()).unwrap();
    let mut resumed =
        Judge::resume(Policy::preset(Preset::Default), serde_json::from_str(&written).unwrap()).unwrap();
    let end = Timestamp::from_second(60 * (FIRST + 40)).unwrap();
    assert_eq!(resumed.verdict(end), judge.verdict(end));
}

/// Lines say it among the rest, as `with_left_out` does beforehand.
#[test]
fn lines_say_what_is_left_out() {
    let mut said: Vec<Line> = run("a", FIRST, 40, 1.0).into_iter().map(Line::from).collect();
    let of_run = left_out(3, 2).into_iter().map(|(metric, left_out)| Line::LeftOut {
        run: "a".into(),
        metric,
        left_out,
    });
    said.extend(of_run);
    said.sort_by_key(Line::minute);
    let text: Vec<String> = said.iter().map(|line| serde_json::to_string(line).unwrap()).collect();
    let text = text.join("\n");
    let replay = Replay::new(Policy::preset(Preset::Default), text.as_bytes());
    let judged: Vec<Judged> = replay.unwrap().map(Result::unwrap).collect();
    let records = run("a", FIRST, 40, 1.0);
    let counted = |judged: &[Judged]| -> Vec<_> {
        judged.iter().map(|judged| (judged.minute, judged.verdict.left_out.clone())).collect()
    };
    let beforehand = replayed(Policy::preset(Preset::Default), &records, 3, 2);
    assert_eq!(counted(&judged), counted(&beforehand));
    assert!(
        judged
            .last()
            .unwrap()
            .verdict
            .reason
            .contains("6 points in 3 of 40 minutes of `latency` left out: NaN")
    );
}

#[test]
fn too_much_of_it_is_inconclusive_in_the_report_too() {
    let records = run("a", FIRST, 40, 1.5);
    let of_latency = |points: u64| {
        let rules = replayed(policy(), &records, 30, points).pop().unwrap().verdict.metrics;
        rules.into_iter().find(|rule| rule.metric.as_str() == "latency").unwrap()
    };
    let (few, many) = (of_latency(2), of_latency(5_000));
    assert_eq!(few.decision, Decision::Regression, "{}", few.reason);
    assert!(matches!(many.decision, Decision::Inconclusive { .. }), "{}", many.reason);
    assert!(many.reason.contains("max_left_out allows 10 %"), "{}", many.reason);

    let all = records.iter().cloned().map(|record| Ok((1, record)));
    let of_run =
        left_out(30, 5_000).into_iter().map(|(metric, left_out)| (RunId::from("a"), metric, left_out));
    let found = Report::recorded(&policy(), all, History::default(), of_run).unwrap();
    assert!(!found[0].1.verdict.as_ref().unwrap().left_out.is_empty());
}

/// A state from before anything was counted.
#[test]
fn an_older_state_is_read() {
    let start = Timestamp::from_second(60 * FIRST).unwrap();
    let policy = Policy::preset(Preset::Default);
    let mut judge = Judge::new(policy.clone(), start).unwrap();
    run("a", FIRST, 20, 1.0).iter().for_each(|record| judge.observe(&record.block).unwrap());
    let mut state = serde_json::to_value(judge.state()).unwrap();
    state.as_object_mut().unwrap().remove("left_out").unwrap();
    let mut resumed = Judge::resume(policy, serde_json::from_value(state).unwrap()).unwrap();
    let end = Timestamp::from_second(60 * (FIRST + 20)).unwrap();
    assert_eq!(resumed.verdict(end), judge.verdict(end));
}
