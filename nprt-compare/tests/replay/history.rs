//! Stable's past: whose it is, where it lies, and what is refused in it.

use jiff::Timestamp;
use nprt_compare::Judge;
use nprt_compare::replay::{History, Record, Replay};
use nprt_core::model::{Block, BlockData, MetricName, Track};

use crate::judging::{policy, text};

fn block(minute: i64, track: Track, data: BlockData) -> Block {
    let metric = match data {
        BlockData::Classes(_) => MetricName::ERRORS,
        _ => MetricName::REQUESTS,
    };
    let metric = MetricName::new(metric).unwrap();
    Block { minute, track, version: None, pod: None, route: None, metric, data }
}

/// A minute of stable in which this class of error happened.
fn failed(run: &str, minute: i64, class: &str) -> Vec<Record> {
    let classes = BlockData::Classes([(class.to_owned(), 2)].into());
    let requests = BlockData::Requests { requests: 200, errors: 2 };
    [requests, classes]
        .map(|data| Record { run: run.into(), block: block(minute, Track::Stable, data) })
        .into()
}

/// A run in which the canary alone has this class of error.
fn trial(run: &str, first: i64, class: &str) -> Vec<Record> {
    let canary = BlockData::Classes([(class.to_owned(), 2)].into());
    [
        (Track::Stable, BlockData::Requests { requests: 200, errors: 0 }),
        (Track::Canary, BlockData::Requests { requests: 200, errors: 2 }),
        (Track::Canary, canary),
    ]
    .map(|(track, data)| Record { run: run.into(), block: block(first, track, data) })
    .into()
}

/// Whether each run's canary is said to have an error that stable never had.
fn regressions(history: &[Record], series: &[Record]) -> Vec<(String, bool)> {
    let history = History::read(text(history).as_bytes()).unwrap();
    let series = text(series);
    let replay = Replay::new(policy(), series.as_bytes()).unwrap().with_history(history);
    replay
        .map(|judged| {
            judged.map(|judged| (judged.run.to_string(), judged.verdict.decision.as_str() == "regression"))
        })
        .collect::<Result<_, _>>()
        .unwrap()
}

#[test]
fn a_run_has_its_own_past_and_others_have_all_of_it() {
    let history = [failed("a", 0, "timeout"), failed("b", 0, "reset")].concat();
    let series = [
        trial("a", 0, "timeout"),
        trial("b", 29_399_040, "timeout"),
        trial("c", 29_399_040, "timeout"),
        trial("d", -500, "reset"),
        trial("e", 0, "refused"),
    ]
    .concat();
    let expected = [("a", false), ("b", true), ("c", false), ("d", false), ("e", true)];
    let expected = expected.map(|(run, regression)| (format!("{run:?}"), regression));
    assert_eq!(regressions(&history, &series), expected);
    // Without a past every one of them is new.
    assert!(regressions(&[], &series).iter().all(|(_, regression)| *regression));
}

/// Three minutes of two runs, one after the other, with the gap that the first has: -8, -6 | -5, -4, -3.
#[test]
fn it_ends_where_the_run_begins_and_keeps_its_distances() {
    let past = [(-8, "x", 70), (-6, "x", 72), (-5, "y", 0), (-4, "y", 1), (-3, "y", 2)];
    let history: Vec<_> =
        past.iter().flat_map(|(at, run, minute)| failed(run, *minute, &at.to_string())).collect();
    let first = 29_399_040;
    let series = text(&trial("a", first, "timeout"));
    let history = History::read(text(&history).as_bytes()).unwrap();
    let judged: Vec<_> = Replay::new(policy(), series.as_bytes()).unwrap().with_history(history).collect();

    let at = |minute: i64| Timestamp::from_second(60 * minute).unwrap();
    let mut judge = Judge::new(policy(), at(first)).unwrap();
    for (place, run, _) in past {
        // As the place is two minutes before that where the history would end.
        for record in failed(run, first + place + 2, &place.to_string()) {
            judge.observe_history(&record.block).unwrap();
        }
    }
    for record in trial("a", first, "timeout") {
        judge.observe(&record.block).unwrap();
    }
    assert_eq!(judged.len(), 1);
    assert_eq!(judged[0].as_ref().unwrap().verdict, judge.verdict(at(first + 1)));
}

#[test]
fn what_is_older_than_the_policys_history_does_not_count() {
    let regression = |gap| {
        let history = [failed("a", 0, "timeout"), failed("a", gap, "reset")].concat();
        regressions(&history, &trial("b", 0, "timeout"))[0].1
    };
    assert!(!regression(24 * 60 - 1));
    assert!(regression(24 * 60));
}

#[test]
fn it_is_as_strict_as_a_series() {
    let good = text(&failed("a", 0, "timeout"));
    let canary = good.replace("stable", "canary");
    let earlier = text(&failed("a", -1, "timeout"));
    let other = text(&failed("b", 0, "timeout"));
    for (history, parts) in [
        (format!("{good}{canary}"), ["field: track, line: 3", "available: stable"]),
        (format!("{good}{earlier}"), ["field: minute", "line: 3"]),
        (format!("{good}{other}{good}"), ["field: run", "line: 5"]),
        (format!("{good}{{\"run\": 1"), ["field: run", "line: 3"]),
    ] {
        let error = History::read(history.as_bytes()).unwrap_err();
        for part in parts {
            assert!(error.to_string().contains(part), "{part}: {error}");
        }
    }
    let conflict = good.clone() + &good.replace("200", "300");
    let series = text(&trial("a", 0, "timeout"));
    let history = History::read(conflict.as_bytes()).unwrap();
    let mut replay = Replay::new(policy(), series.as_bytes()).unwrap().with_history(history);
    let error = replay.next().unwrap().unwrap_err().to_string();
    assert!(error.contains("conflict") && error.contains("history_line: "), "{error}");
}
