//! The example `judge` as a person runs it: on good and malformed series, while they come, and on many runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::LazyLock;

use nprt::compare::replay::{Judged, Record};
use nprt::compare::{Judge, Policy, Preset};
use tempfile::TempDir;

mod support;

static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| support::example("judge"));

/// An hour's policy, as short as tests like it.
const POLICY: &str = "
window_minutes: 30
soak_minutes: 5
rules:
- {rule: percentile, metric: latency, percentile: 95, margin: {relative: 0.1}}
- {rule: errors}
";

struct Output {
    code: Option<i32>,
    out: String,
    err: String,
}

fn start(options: &[&str]) -> (Child, ChildStdin, BufReader<ChildStdout>) {
    let mut command = Command::new(&*PROGRAM);
    command.args(options).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    (child, stdin, BufReader::new(stdout))
}

/// Runs it on a whole series.
fn judge(series: &str, options: &[&str]) -> Output {
    let (mut child, mut stdin, stdout) = start(options);
    child.stdout = Some(stdout.into_inner());
    let series = series.to_owned();
    // It need not read to the end of a malformed series.
    let writer = std::thread::spawn(move || drop(stdin.write_all(series.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Output { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// A line of each track in each of these minutes: the canary's latency is `by` times stable's.
fn series(run: &str, minutes: std::ops::Range<i64>, by: f64) -> String {
    let line = |minute, track, by: f64| {
        let samples: Vec<_> = (0..400).map(|i| 0.1 * by * (1.0 + f64::from(i * 37 % 400) / 400.0)).collect();
        format!(
            "{{\"run\": {run}, \"minute\": {minute}, \"track\": \"{track}\", \"metric\": \"latency\", \"samples\": {samples:?}}}\n\
             {{\"run\": {run}, \"minute\": {minute}, \"track\": \"{track}\", \"metric\": \"requests\", \"requests\": 400, \"errors\": 0}}\n"
        )
    };
    minutes.map(|minute| line(minute, "stable", 1.0) + &line(minute, "canary", by)).collect()
}

/// What the library decides for the same blocks.
fn by_hand(policy: &Policy, series: &str) -> String {
    let at = |minute: i64| jiff::Timestamp::from_second(60 * minute).unwrap();
    let records: Vec<_> = series.lines().map(|line| Record::read(line).unwrap()).collect();
    let mut printed = String::new();
    for run in records.chunk_by(|a, b| a.run == b.run) {
        let mut judge = Judge::new(policy.clone(), at(run[0].block.minute)).unwrap();
        for minute in run.chunk_by(|a, b| a.block.minute == b.block.minute) {
            minute.iter().for_each(|record| judge.observe(&record.block).unwrap());
            let Record { run, block } = &minute[0];
            let verdict = judge.verdict(at(block.minute + 1));
            let judged = Judged { run: run.clone(), minute: block.minute, verdict };
            printed += &(serde_json::to_string(&judged).unwrap() + "\n");
        }
    }
    printed
}

fn file(directory: &TempDir, name: &str, text: &str) -> String {
    let path = directory.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn it_prints_what_the_library_decides_to_the_last_byte() {
    let runs = [
        series("\"slow\"", 29_399_040..29_399_050, 1.3),
        series("\"equal\"", 0..10, 1.0),
        series("17", -3..1, 1.0),
    ];
    let all = runs.concat();
    let output = judge(&all, &[]);
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""));
    assert_eq!(output.out, by_hand(&Policy::preset(Preset::Default), &all));
    assert_eq!(output.out.lines().count(), 24);

    let directory = tempfile::tempdir().unwrap();
    let policy = file(&directory, "policy.yaml", POLICY);
    let output = judge(&all, &["--policy", &policy]);
    assert_eq!(output.out, by_hand(&serde_saphyr::from_str(POLICY).unwrap(), &all));
    let lines: Vec<Judged> = output.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = |run: &str| {
        let judged = lines.iter().rfind(|judged| judged.run.to_string() == run).unwrap();
        judged.verdict.decision.to_string()
    };
    assert_eq!(["\"slow\"", "\"equal\"", "17"].map(last), ["regression", "pass", "inconclusive"]);
    assert!(output.out.contains(r#"{"run":17,"minute":-3,"verdict":"inconclusive","#), "{}", output.out);

    let empty = judge("", &[]);
    assert_eq!((empty.code, empty.out.as_str()), (Some(0), ""));
}

#[test]
fn malformed_input_ends_with_line_and_field_after_what_was_decided() {
    let good = series("\"a\"", 0..3, 1.0);
    let head = r#"{"run": "a", "minute": 2, "track": "canary", "#;
    let line = |rest: &str| format!("{head}{rest}}}");
    for (bad, field, says) in [
        ("{".to_owned(), None, "EOF while parsing"),
        (line(r#""metric": "cpu""#), Some("samples"), "no measurements"),
        (line(r#""metric": "cpu", "value": 1, "samples": [1]"#), Some("value"), "two kinds of measurements"),
        (line(r#""metric": "cpu", "value": NaN"#), Some("value"), "expected value"),
        (line(r#""metric": "cpu", "value": -1"#), Some("value"), "finite number of 0 or more"),
        (
            line(r#""metric": "cpu", "value": 1, "node": "n""#),
            Some("node"),
            "expected one of `run`, `minute`",
        ),
        (line(r#""metric": "cpu", "value": 1, "value": 1"#), Some("value"), "duplicate field"),
        (line(r#""metric": "cpu", "value": 1"#).replace("canary", "blue"), Some("track"), "stable, canary"),
        (line(r#""metric": "cpu", "value": 1"#).replace('2', "2.5"), Some("minute"), "expected i64"),
        (line(r#""metric": "cpu", "value": 1"#).replace('2', "1"), Some("minute"), "minute 1 after 2"),
        (line(r#""metric": "latency", "samples": [1, 1e999]"#), Some("samples"), "number out of range"),
        (line(r#""metric": "latency", "samples": [1], "unit": "h""#), Some("unit"), "s, ms, us, ns"),
        (line(r#""metric": "requests", "requests": 1, "errors": 2"#), Some("errors"), "2 failed of only 1"),
        (line(r#""metric": "errors", "classes": {"a": 1, "a": 1}"#), Some("classes"), "twice"),
        (line(r#""metric": "latency", "samples": [1]"#), Some("samples"), "but other data"),
        (line(r#""metric": "errors", "samples": [1]"#), Some("samples"), "available: Classes"),
    ] {
        let output = judge(&format!("{good}{bad}\n{good}"), &[]);
        let line = good.lines().count() + 1;
        assert_eq!(output.code, Some(2), "{bad}: {}", output.err);
        assert_eq!(output.out.lines().count(), 2, "{bad}: the third minute was not over");
        assert!(output.err.contains(&format!("line: {line}")), "{bad}: {}", output.err);
        if let Some(field) = field {
            assert!(output.err.contains(&format!("field: {field}")), "{bad}: {}", output.err);
        }
        assert!(output.err.contains(says) && output.err.lines().count() == 1, "{bad}: {}", output.err);
    }
    let output = judge(&(good.clone() + &series("\"b\"", 0..1, 1.0) + &good), &[]);
    assert_eq!((output.code, output.out.lines().count()), (Some(2), 3));
    assert!(output.err.contains("field: run") && output.err.contains("line: 17"), "{}", output.err);
}

#[test]
fn verdicts_come_while_the_series_goes_on() {
    let (mut child, mut stdin, mut stdout) = start(&[]);
    let all = series("1", 0..3, 1.0);
    let lines: Vec<_> = all.split_inclusive('\n').collect();
    for (minute, lines) in lines.chunks(4).enumerate() {
        // The first line of a minute says that the one before is over.
        stdin.write_all(lines[0].as_bytes()).unwrap();
        if minute > 0 {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            assert!(
                line.starts_with(&format!("{{\"run\":1,\"minute\":{},\"verdict\":", minute - 1)),
                "{line}"
            );
        }
        stdin.write_all(lines[1..].concat().as_bytes()).unwrap();
    }
    drop(stdin);
    assert_eq!(stdout.lines().map(Result::unwrap).count(), 1);
    assert!(child.wait().unwrap().success());
}

#[test]
fn nobody_listening_is_no_error() {
    let (mut child, mut stdin, mut stdout) = start(&[]);
    let all = series("1", 0..100, 1.0);
    let writer = std::thread::spawn(move || drop(stdin.write_all(all.as_bytes())));
    stdout.read_line(&mut String::new()).unwrap();
    drop(stdout);
    let output = child.stderr.take().unwrap();
    assert_eq!(BufReader::new(output).lines().count(), 0);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    writer.join().unwrap();
}

/// The most memory that a process has had, in KiB.
#[cfg(target_os = "linux")]
fn most_memory(process: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn ten_thousand_runs_take_no_more_memory_than_two_thousand() {
    let (mut child, mut stdin, mut stdout) = start(&[]);
    let mut runs = |range: std::ops::Range<u32>| {
        let lines = range.clone().map(|run| {
            let line = |minute, track| {
                format!(r#"{{"run": {run}, "minute": {minute}, "track": "{track}", "metric": "latency", "samples": [1, 2, 3]}}"#)
            };
            [line(0, "stable"), line(0, "canary"), line(1, "stable"), line(1, "canary")].join("\n") + "\n"
        });
        let text: String = lines.collect();
        std::thread::scope(|scope| {
            scope.spawn(|| stdin.write_all(text.as_bytes()).unwrap());
            // The last minute is not over yet; that of the part before is.
            let verdicts = 2 * range.len() - usize::from(range.start == 0);
            let mut line = String::new();
            for _ in 0..verdicts {
                line.clear();
                assert!(stdout.read_line(&mut line).unwrap() > 0);
            }
        });
        most_memory(&child)
    };
    let (few, many) = (runs(0..2_000), runs(2_000..10_000));
    assert!(many <= few + 128, "{few} KiB after 2000 runs, {many} KiB after 10000");
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_history_says_what_is_known() {
    let directory = tempfile::tempdir().unwrap();
    let policy = file(&directory, "policy.yaml", POLICY);
    let line = |run: &str, track: &str, data: &str| {
        format!("{{\"run\": \"{run}\", \"minute\": 0, \"track\": \"{track}\", {data}}}\n")
    };
    let failed = [
        r#""metric": "requests", "requests": 400, "errors": 2"#,
        r#""metric": "errors", "classes": {"timeout": 2}"#,
    ];
    let idle = r#""metric": "requests", "requests": 400, "errors": 0"#;
    let trial =
        |run: &str| line(run, "stable", idle) + &failed.map(|data| line(run, "canary", data)).concat();
    let history = failed.map(|data| line("a", "stable", data)).concat() + &line("b", "stable", idle);
    let series = ["a", "b", "c"].map(trial).concat();
    let verdicts = |options: &[&str]| -> Vec<_> {
        let output = judge(&series, options);
        assert_eq!(output.code, Some(0), "{}", output.err);
        let judged = output.out.lines().map(|line| serde_json::from_str::<Judged>(line).unwrap());
        judged.map(|judged| judged.verdict.decision.to_string()).collect()
    };
    assert_eq!(verdicts(&["--policy", &policy]), ["regression"; 3]);
    let path = file(&directory, "history.jsonl", &history);
    // `a` and `b` have their own, `c` has both.
    let expected = ["inconclusive", "regression", "inconclusive"];
    assert_eq!(verdicts(&["--policy", &policy, "--history", &path]), expected);

    let canary = file(&directory, "canary.jsonl", &(history + &line("b", "canary", idle)));
    let output = judge(&series, &["--history", &canary]);
    assert_eq!((output.code, output.out.as_str()), (Some(2), ""));
    for part in ["field: track", "line: 4", "canary.jsonl"] {
        assert!(output.err.contains(part), "{part}: {}", output.err);
    }
}

#[test]
fn a_policy_is_as_strict() {
    let directory = tempfile::tempdir().unwrap();
    for (text, says) in [
        (POLICY.replace("soak", "soap"), "unknown field `soap_minutes`"),
        (POLICY.replace("window_minutes: 30", "window_minutes: 30\nwindow_minutes: 30"), "duplicate"),
        (POLICY.replace("0.1", "-0.1"), "margin"),
        (POLICY.replace("soak_minutes: 5", "soak_minutes: five"), "line 3"),
        ("window_minutes: [".to_owned(), "line"),
        (String::new(), "policy.yaml"),
    ] {
        let output = judge("", &["--policy", &file(&directory, "policy.yaml", &text)]);
        assert_eq!((output.code, output.out.as_str()), (Some(2), ""), "{text}: {}", output.err);
        assert!(output.err.contains(says) && output.err.contains("policy.yaml"), "{says}: {}", output.err);
    }
}

#[test]
fn files_that_cannot_be_read_end_with_1_and_bad_usage_with_2() {
    for option in ["--policy", "--history"] {
        for path in ["/nowhere/at/all", "/"] {
            let output = judge("", &[option, path]);
            assert_eq!((output.code, output.out.as_str()), (Some(1), ""), "{option} {path}: {}", output.err);
            assert!(output.err.contains(&format!("file: {path}")), "{}", output.err);
        }
    }
    assert_eq!(judge("", &["--polity", "x"]).code, Some(2));
    assert_eq!(judge("", &["series.jsonl"]).code, Some(2));
    assert!(judge("", &["--help"]).out.contains("--history <FILE>"));
}
