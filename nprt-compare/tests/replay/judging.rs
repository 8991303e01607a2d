//! What a replay decides is what the judge decides when it is shown the same blocks by hand.

use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use jiff::Timestamp;
use nprt_compare::replay::{Judged, Record, Replay, RunId};
use nprt_compare::{Judge, Policy};
use nprt_core::model::{Block, BlockData, MetricName, Track};

/// Half of the samples around 100 ms, the canary's `by` times as long.
fn samples(seed: &mut u64, count: usize, by: f64) -> BlockData {
    let uniform = || {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 11) as f64 / (1_u64 << 53) as f64
    };
    BlockData::Samples(
        std::iter::repeat_with(uniform).take(count).map(|u| 0.1 * by * (1.0 + u * u)).collect(),
    )
}

/// Both tracks from `first` on, with every metric; the fourth of ten minutes has no data.
pub(crate) fn run(id: impl Into<RunId>, first: i64, minutes: i64, by: f64) -> Vec<Record> {
    let (run, mut seed) = (id.into(), 7);
    let mut records = Vec::new();
    for minute in (first..first + minutes).filter(|minute| (minute - first) % 10 != 3) {
        for (track, count, by) in [(Track::Stable, 120, 1.0), (Track::Canary, 40, by)] {
            let mut add = |pod: &str, metric, data| {
                let metric = MetricName::new(metric).unwrap();
                let (pod, version) = (Some(format!("{track}-{pod}")), Some(format!("v-{track}")));
                let block = Block { minute, track, version, pod, route: None, metric, data };
                records.push(Record { run: run.clone(), block });
            };
            for pod in ["a", "b"] {
                add(pod, MetricName::LATENCY, samples(&mut seed, count, by));
                add(pod, MetricName::CPU, BlockData::Value(0.25 * by));
                let requests = count as u64;
                add(pod, MetricName::REQUESTS, BlockData::Requests { requests, errors: 1 });
                add(pod, MetricName::ERRORS, BlockData::Classes([("timeout".to_owned(), 1)].into()));
            }
        }
    }
    records
}

pub(crate) fn text(records: &[Record]) -> String {
    records.iter().map(|record| serde_json::to_string(record).unwrap() + "\n").collect()
}

pub(crate) fn policy() -> Policy {
    serde_json::from_value(serde_json::json!({
        "window_minutes": 30,
        "soak_minutes": 15,
        "rules": [
            {"rule": "percentile", "metric": "latency", "percentile": 95, "margin": {"relative": 0.1}},
            {"rule": "percentile", "metric": "cpu", "percentile": 50, "margin": {"relative": 0.2}},
            {"rule": "errors"},
        ],
    }))
    .unwrap()
}

pub(crate) fn replay(series: &str) -> Vec<Judged> {
    Replay::new(policy(), series.as_bytes()).unwrap().collect::<Result<_, _>>().unwrap()
}

/// By hand: the blocks of each minute, then the verdict at its end.
fn judge(records: &[Record]) -> Vec<Judged> {
    let at = |minute: i64| Timestamp::from_second(60 * minute).unwrap();
    let mut judge = Judge::new(policy(), at(records[0].block.minute)).unwrap();
    let mut judged = Vec::new();
    for minute in records.chunk_by(|a, b| a.block.minute == b.block.minute) {
        for record in minute {
            judge.observe(&record.block).unwrap();
        }
        let Record { run, block } = &minute[0];
        let verdict = judge.verdict(at(block.minute + 1));
        judged.push(Judged { run: run.clone(), minute: block.minute, verdict });
    }
    judged
}

fn json(judged: &[Judged]) -> Vec<String> {
    judged.iter().map(|judged| serde_json::to_string(judged).unwrap()).collect()
}

#[test]
fn every_verdict_is_the_judges_own_to_the_last_byte() {
    let runs = [
        run("slower", 29_399_040, 40, 1.3),
        run("equal", 29_399_040, 40, 1.0),
        run(3_u64, 0, 40, 1.3),
        run("before 1970", -20, 25, 1.05),
        run("one minute", 7, 1, 1.0),
    ];
    let by_hand: Vec<_> = runs.iter().flat_map(|run| judge(run)).collect();
    let replayed = replay(&runs.iter().map(|run| text(run)).collect::<String>());
    assert_eq!(replayed, by_hand);
    assert_eq!(json(&replayed), json(&by_hand));

    let last = |id: RunId| replayed.iter().rfind(|judged| judged.run == id).unwrap();
    assert_eq!(last("slower".into()).verdict.decision.as_str(), "regression");
    assert_eq!(last("equal".into()).verdict.decision.as_str(), "pass", "{:?}", last("equal".into()));
    assert_eq!(last("one minute".into()).verdict.decision.as_str(), "inconclusive");
    // Minutes from any beginning: the same decisions.
    let decisions = |id: RunId| -> Vec<_> {
        let of_run = replayed.iter().filter(|judged| judged.run == id);
        of_run.map(|judged| (judged.verdict.decision.clone(), judged.verdict.reason.clone())).collect()
    };
    assert_eq!(decisions("slower".into()), decisions(3_u64.into()));
    // A minute without lines has no verdict.
    let minutes: Vec<_> = replayed.iter().filter(|j| j.run == 3_u64.into()).map(|j| j.minute).collect();
    assert_eq!(minutes, (0..40).filter(|minute| minute % 10 != 3).collect::<Vec<_>>());
}

#[test]
fn the_form_of_a_verdict() {
    let judged = &replay(&text(&run(7_u64, 0, 1, 1.0)))[0];
    let line = serde_json::to_string(judged).unwrap();
    assert!(line.starts_with(r#"{"run":7,"minute":0,"verdict":"inconclusive","#), "{line}");
    assert_eq!(&serde_json::from_str::<Judged>(&line).unwrap(), judged);
}

#[test]
fn the_order_within_a_minute_is_free_and_the_same_line_twice_counts_once() {
    let records = run("a", 0, 12, 1.2);
    let mut shuffled = Vec::new();
    for minute in records.chunk_by(|a, b| a.block.minute == b.block.minute) {
        shuffled.extend(minute.iter().rev().cloned());
        shuffled.push(minute[2].clone());
    }
    assert_eq!(replay(&text(&shuffled)), replay(&text(&records)));
    let spaced = text(&records).replace('\n', "\r\n\n  \n");
    assert_eq!(replay(&spaced), replay(&text(&records)));
    assert_eq!(replay(text(&records).trim_end()), replay(&text(&records)));
    assert_eq!(replay(""), []);
}

/// Gives a line at a time, and counts them.
struct LineByLine(std::vec::IntoIter<String>, Rc<Cell<usize>>);

impl Read for LineByLine {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(line) = self.0.next() else { return Ok(0) };
        self.1.set(self.1.get() + 1);
        buffer[..line.len()].copy_from_slice(line.as_bytes());
        Ok(line.len())
    }
}

#[test]
fn a_verdict_comes_with_the_first_line_after_its_minute() {
    let lines: Vec<_> = [run("a", 0, 3, 1.0), run("b", 0, 1, 1.0)].concat();
    let lines: Vec<_> = lines.iter().map(|record| serde_json::to_string(record).unwrap() + "\n").collect();
    let (a_minute, all) = (lines.len() / 4, lines.len());
    let given = Rc::new(Cell::new(0));
    let reader = BufReader::with_capacity(1 << 20, LineByLine(lines.into_iter(), given.clone()));
    let mut replay = Replay::new(policy(), reader).unwrap();
    for (run, minute, lines) in
        [("a", 0, a_minute + 1), ("a", 1, 2 * a_minute + 1), ("a", 2, 3 * a_minute + 1), ("b", 0, all)]
    {
        let judged = replay.next().unwrap().unwrap();
        assert_eq!((judged.run, judged.minute, given.get()), (run.into(), minute, lines));
    }
    assert!(replay.next().is_none() && replay.next().is_none());
}

#[test]
fn an_error_ends_it_after_the_verdicts_before() {
    let records = run("a", 0, 3, 1.0);
    let a_minute = records.len() / 3;
    let good: Vec<_> = text(&records).lines().map(str::to_owned).collect();
    // In the middle of minute 1, and as its first line.
    for (line, decided) in [(a_minute + 4, 1), (a_minute + 1, 0)] {
        let mut lines = good.clone();
        lines.insert(line - 1, r#"{"run": "a", "minute": 1, "track": "stable", "value": 1}"#.to_owned());
        let series = lines.join("\n");
        let mut replay = Replay::new(policy(), series.as_bytes()).unwrap();
        assert_eq!(replay.by_ref().take_while(Result::is_ok).count(), decided);
        assert!(replay.next().is_none(), "it has ended");
        let error = Replay::new(policy(), series.as_bytes()).unwrap().find_map(Result::err).unwrap();
        let line = line.to_string();
        assert_eq!(error.context(), [("field", "metric".to_owned()), ("line", line)], "{error}");
    }
}

#[test]
fn what_the_judge_does_not_take_is_named_after_the_minute_before_is_decided() {
    let records = run("a", 0, 2, 1.0);
    let first = &records[records.len() / 2].block;
    let other = Block { data: BlockData::Samples(vec![0.5]), ..first.clone() };
    let shape = Block { data: BlockData::Value(1.0), ..records[3].block.clone() };
    for (insert, block, kind, field) in [
        (records.len() / 2 + 1, other, "conflict", "samples"),
        (records.len() / 2, Block { minute: 1, ..shape }, "invalid", "value"),
    ] {
        let mut lines = records.clone();
        lines.insert(insert, Record { run: "a".into(), block });
        let series = text(&lines);
        let mut replay = Replay::new(policy(), series.as_bytes()).unwrap();
        assert_eq!(replay.next().unwrap().unwrap().minute, 0);
        let error = replay.next().unwrap().unwrap_err();
        assert_eq!(error.kind().as_str(), kind, "{error}");
        for part in [format!("field: {field}"), format!("line: {}", insert + 1), "minute: 1".to_owned()] {
            assert!(error.to_string().contains(&part), "{part}: {error}");
        }
        assert!(replay.next().is_none());
    }
}

/// Fails after some good lines.
struct Failing<'l>(&'l [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("the disk is gone")),
            count => Ok(count),
        }
    }
}

#[test]
fn a_reader_that_fails_is_no_end() {
    let series = text(&run("a", 0, 2, 1.0));
    let mut replay = Replay::new(policy(), BufReader::new(Failing(series.as_bytes()))).unwrap();
    assert!(replay.next().unwrap().is_ok());
    let error = replay.next().unwrap().unwrap_err();
    assert_eq!(error.kind().as_str(), "unavailable");
    let line = series.lines().count() + 1;
    assert!(error.to_string().contains(&format!("the disk is gone (line: {line})")), "{error}");
    assert!(replay.next().is_none());
}

#[test]
fn a_line_has_an_end() {
    let endless = BufReader::new(io::repeat(b' '));
    let error = Replay::new(policy(), endless).unwrap().next().unwrap().unwrap_err();
    assert!(error.to_string().contains("expected a line of at most 64 MiB (line: 1)"), "{error}");
}

#[test]
fn a_policy_that_makes_no_sense_is_refused() {
    let policy = Policy { window_minutes: 0, ..policy() };
    assert!(Replay::new(policy, &b""[..]).unwrap_err().is_invalid());
}
