//! Tables and metric-set pairs as series: the same blocks as lines of JSON give.

use nprt_compare::Policy;
use nprt_compare::kayenta::MetricSetPair;
use nprt_compare::replay::{History, Line, Lines, Record, Replay, of_pairs, read_csv};
use nprt_core::Result;
use nprt_core::model::BlockData;

use crate::judging::policy;

fn table(text: &str) -> Result<Vec<(u64, Line)>> {
    read_csv(text.as_bytes(), &"cart".into())
}

fn lines(text: &str) -> Vec<Line> {
    Lines::new(text.as_bytes()).map(|read| read.unwrap().1).collect()
}

fn records(text: &str) -> Vec<Record> {
    let block = |line| match line {
        Line::Block(record) => record,
        other => panic!("{other:?}"),
    };
    table(text).unwrap().into_iter().map(|(_, line)| block(line)).collect()
}

#[test]
fn a_table_is_what_its_lines_would_be() {
    let text = "\
run,minute,track,metric,pod,route,version,unit,samples,value,requests,errors,class
b,2,stable,cpu,p-0,,v1,,,0.25,,,
17,9,canary,latency,,/a,,ms,12.5 80,,,,
17,3,stable,requests,,,,,,,997,3,
17,9,canary,latency,,/a,,ms,90;1,,,,
17,3,stable,errors,,,,,,,,2,\"time, out\"
17,3,stable,errors,,,,,,,,1,reset
b,1,canary,latency,,,,,0.1,,,,
";
    let expected = lines(
        r#"{"run": "b", "minute": 1, "track": "canary", "metric": "latency", "samples": [0.1]}
           {"run": "b", "minute": 2, "track": "stable", "metric": "cpu", "pod": "p-0", "version": "v1", "value": 0.25}
           {"run": 17, "minute": 3, "track": "stable", "metric": "requests", "requests": 997, "errors": 3}
           {"run": 17, "minute": 3, "track": "stable", "metric": "errors", "classes": {"time, out": 2, "reset": 1}}
           {"run": 17, "minute": 9, "track": "canary", "metric": "latency", "route": "/a", "unit": "ms", "samples": [12.5, 80, 90, 1]}"#,
    );
    let found: Vec<Line> = table(text).unwrap().into_iter().map(|(_, line)| line).collect();
    assert_eq!(found, expected);
}

/// As live: a point that is none costs itself, and is counted by its reason.
#[test]
fn a_point_that_is_no_number_is_left_out() {
    let text = "\
minute,track,metric,pod,unit,samples,value,requests,errors,class
1,stable,cpu,a,,,NaN,,,
1,stable,cpu,b,,,0.5,,,
2,canary,latency,,ms,12.5;nan 80;inf,,,,
3,canary,latency,,ms,NaN,,,,
4,stable,requests,,,,,NaN,0,
4,stable,errors,,,,,,nan,timeout
";
    let expected = lines(
        r#"{"run": "cart", "minute": 1, "track": "stable", "metric": "cpu", "pod": "a", "value": "NaN"}
           {"run": "cart", "minute": 1, "track": "stable", "metric": "cpu", "pod": "b", "value": 0.5}
           {"run": "cart", "minute": 2, "track": "canary", "metric": "latency", "unit": "ms", "samples": [12.5, "NaN", 80, "Infinity"]}
           {"run": "cart", "minute": 3, "track": "canary", "metric": "latency", "left_out": {"not-a-number": 1}}
           {"run": "cart", "minute": 4, "track": "stable", "metric": "requests", "left_out": {"not-a-number": 1}}
           {"run": "cart", "minute": 4, "track": "stable", "metric": "errors", "left_out": {"not-a-number": 1}}"#,
    );
    let found: Vec<Line> = table(text).unwrap().into_iter().map(|(_, line)| line).collect();
    assert_eq!(found, expected);
    let count = |is: fn(&Line) -> bool| found.iter().filter(|line| is(line)).count();
    assert_eq!(count(|line| matches!(line, Line::Block(_))), 2);
    assert_eq!(count(|line| matches!(line, Line::LeftOut { left_out, .. } if left_out.points == 1)), 6);
    // What is read is written, and read again.
    for line in &found {
        assert_eq!(Line::read(serde_json::to_string(line).unwrap()).unwrap(), std::slice::from_ref(line));
    }
}

#[test]
fn a_time_is_its_minute() {
    for time in [
        "2026-11-26T13:00:59.9Z",
        "2026-11-26T14:00:00+01:00",
        "1795698000",
        "1795698059.5",
        "1795698059500",
        "1795698000000000",
        "1795698059500000000",
    ] {
        let records = records(&format!("time,track,metric,value\n{time},stable,cpu,1\n"));
        assert_eq!(
            (records[0].block.minute, records[0].run.to_string()),
            (29_928_300, "\"cart\"".to_owned())
        );
    }
}

#[test]
fn a_row_without_measurements_is_a_gap() {
    let head = "minute,track,metric,unit,value,requests,errors,class\n";
    let text = format!(
        "{head}1,stable,cpu,,1,,,\n2,stable,cpu,,,,,\n3,stable,latency,ms,,,,\n4,stable,requests,,,9,0,\n"
    );
    let minutes: Vec<i64> = records(&text).iter().map(|record| record.block.minute).collect();
    assert_eq!(minutes, [1, 4]);
    assert!(table(&format!("{head}1,stable,requests,,,9,,\n")).is_err(), "nothing says how many failed");
}

#[test]
fn a_faulty_table_says_line_and_field() {
    let head = "minute,track,metric,pod,unit,samples,value,requests,errors,class";
    for (text, said) in [
        ("minute,track,metric,valu\n", "(line: 1, column: valu)"),
        ("minute,minute,track,metric\n", "a column twice (line: 1, column: minute)"),
        ("track,metric,value\n", "expected the column minute, or time (line: 1)"),
        ("minute,time,track,metric,value\n", "expected the column minute, or time (line: 1)"),
        ("minute,metric,value\n", "a column is missing (line: 1, column: track)"),
        ("time,track,metric,value\nnoon,stable,cpu,1\n", "found \"noon\" (field: time, line: 2)"),
        ("time,track,metric,value\n1e300,stable,cpu,1\n", "field: minute"),
        (&format!("{head}\n0.5,stable,cpu,,,,1,,,\n"), "found \"0.5\" (field: minute, line: 2)"),
        (&format!("{head}\n,stable,cpu,,,,1,,,\n"), "(field: minute, line: 2)"),
        (&format!("{head}\n1,middle,cpu,,,,1,,,\n"), "field: track, line: 2"),
        (&format!("{head}\n1,stable,c p u,,,,1,,,\n"), "field: metric, line: 2"),
        ("minute,track,metric,pod\n1,stable,cpu,a\n", "expected a column of measurements (line: 1)"),
        (&format!("{head}\n1,stable,cpu,,,1,1,,,\n"), "(field: value, beside: samples, line: 2)"),
        (&format!("{head}\n1,stable,cpu,,,,-1,,,\n"), "(field: value, line: 2)"),
        (&format!("{head}\n1,stable,cpu,,,1,NaN,,,\n"), "(field: value, beside: samples, line: 2)"),
        (&format!("{head}\n1,stable,latency,,ms,1 x,,,,\n"), "found \"x\" (field: samples, line: 2)"),
        (&format!("{head}\n1,stable,latency,,h,1,,,,\n"), "field: unit, line: 2"),
        (&format!("{head}\n1,stable,requests,,,,,5,,\n"), "(field: errors, beside: requests, line: 2)"),
        (&format!("{head}\n1,stable,requests,,,,,5,6,\n"), "(field: errors, line: 2)"),
        (&format!("{head}\n1,stable,errors,,,,,,,a\n"), "(field: errors, line: 2)"),
        (&format!("{head}\n1,stable,errors,,,,,,1,a\n1,stable,errors,,,,,,1,a\n"), "(field: class, line: 3)"),
        (&format!("{head}\n1,stable,cpu\n"), "line: 2"),
    ] {
        let error = table(text).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(said), "{text}: {error}");
    }
}

/// Judged and shown as history, it is what its lines are.
#[test]
fn a_table_is_judged_as_its_lines_are() {
    let (mut text, mut json) = ("minute,track,metric,unit,samples\n".to_owned(), String::new());
    for minute in 0..40 {
        for (track, ms) in [("canary", 150), ("stable", 100)] {
            let samples = vec![ms; 300];
            let cells = vec![ms.to_string(); 300].join(";");
            text += &format!("{minute},{track},latency,ms,{cells}\n");
            json += &format!(
                "{{\"run\": \"cart\", \"minute\": {minute}, \"track\": \"{track}\", \"metric\": \"latency\", \"unit\": \"ms\", \"samples\": {samples:?}}}\n"
            );
        }
    }
    let tabled = table(&text).unwrap().into_iter().map(Ok);
    let tabled: Vec<_> = Replay::of(policy(), tabled).unwrap().map(Result::unwrap).collect();
    let lined: Vec<_> = Replay::new(policy(), json.as_bytes()).unwrap().map(Result::unwrap).collect();
    assert_eq!(tabled, lined);
    assert_eq!(tabled.last().unwrap().verdict.decision.as_str(), "regression");
    let past = table("minute,track,metric,value\n1,canary,cpu,1\n").unwrap().into_iter().map(Ok);
    assert!(History::of(past).unwrap_err().to_string().contains("line: 2"));
}

fn pairs(json: &str) -> Vec<MetricSetPair> {
    serde_json::from_str(json).unwrap()
}

#[test]
fn pairs_are_values_by_minute() {
    let pairs = pairs(
        r#"[{"name": "cpu mean", "tags": {"zone": "a", "pod": "0"}, "values": {"control": [1, null], "experiment": ["NaN", 4]},
             "scopes": {"control": {"startTimeMillis": 600000, "stepMillis": 120000},
                        "experiment": {"startTimeMillis": 600000, "stepMillis": 120000}}},
            {"name": "queue", "id": "x", "values": {"control": [5], "experiment": []}}]"#,
    );
    let records = of_pairs(&pairs, &3_u64.into()).unwrap();
    let shown: Vec<_> = records
        .iter()
        .map(|(pair, Record { run, block })| {
            let BlockData::Value(value) = block.data else { panic!("{block:?}") };
            format!(
                "{pair} {run} {} {} {} {} {value}",
                block.minute,
                block.track,
                block.metric,
                block.pod.as_ref().unwrap()
            )
        })
        .collect();
    assert_eq!(
        shown,
        ["2 3 0 stable queue x 5", "1 3 10 stable cpu pod=0,zone=a 1", "1 3 12 canary cpu pod=0,zone=a 4"]
    );
}

#[test]
fn pairs_that_are_no_series_say_which() {
    for (name, values, scope, said) in [
        (
            "latency p95",
            "[1]",
            "{}",
            "a Kayenta config can judge this statistic (pair: 1, name: latency p95)",
        ),
        ("my metric", "[1]", "{}", "pair: 1, name: my metric"),
        ("cpu", "[-1]", "{}", "track: canary, pair: 1, name: cpu"),
        ("cpu", r#"["Infinity"]"#, "{}", "track: canary, pair: 1"),
        ("cpu", "[1]", r#"{"stepMillis": 30000}"#, "stepMillis: 30000, pair: 1"),
        ("cpu", "[1]", r#"{"startTimeMillis": 60000}"#, "at the same times (pair: 1"),
    ] {
        let json = format!(
            r#"[{{"name": "{name}", "values": {{"control": [], "experiment": {values}}}, "scopes": {{"control": {}, "experiment": {scope}}}}}]"#,
            if scope.contains("step") { scope } else { "{}" }
        );
        let error = of_pairs(&pairs(&json), &"a".into()).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(said), "{json}: {error}");
    }
}

#[test]
fn a_policy_is_read_and_validated() {
    assert_eq!(Policy::read("preset: method").unwrap(), Policy::method());
    for (wrong, said) in
        [("preset: x", "unknown variant `x`"), ("preset: method\nalpha: 2", "alpha: 2"), ("soak: 1", "soak")]
    {
        let error = Policy::read(wrong).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(said), "{error}");
    }
}
