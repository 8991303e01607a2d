//! Every kind of line, good and malformed.

use std::collections::BTreeMap;

use nprt_compare::replay::{Record, RunId};
use nprt_core::model::{BlockData, Track};

/// What stands before the measurements of the lines below.
const HEAD: &str = r#""run": "a", "minute": 3, "track": "canary", "metric": "latency""#;

/// A line with these fields after the usual ones.
fn line(rest: &str) -> String {
    format!("{{{HEAD}, {rest}}}")
}

/// Lines and the data that they hold.
pub(crate) fn good() -> Vec<(String, BlockData)> {
    let samples = |samples: &[f64]| BlockData::Samples(samples.to_vec());
    let histogram = |edges: &[f64], counts: &[u64]| BlockData::Histogram {
        edges: edges.to_vec(),
        counts: counts.to_vec(),
    };
    let classes = |classes: &[(&str, u64)]| {
        BlockData::Classes(classes.iter().map(|(class, count)| ((*class).to_owned(), *count)).collect())
    };
    let cases = [
        (r#""samples": []"#, samples(&[])),
        (r#""samples": [0.1, 2, 3e-3, 0]"#, samples(&[0.1, 2.0, 0.003, 0.0])),
        (r#""unit": "s", "samples": [0.1]"#, samples(&[0.1])),
        (r#""samples": [12.5, 80], "unit": "ms""#, samples(&[0.0125, 0.08])),
        (r#""unit": "us", "samples": [7]"#, samples(&[7e-6])),
        (r#""unit": "ns", "samples": [7]"#, samples(&[7e-9])),
        (
            r#""histogram": {"edges": [0.1, 0.5], "counts": [940, 0, 2]}"#,
            histogram(&[0.1, 0.5], &[940, 0, 2]),
        ),
        (r#""unit": "ms", "histogram": {"counts": [1, 2], "edges": [5]}"#, histogram(&[0.005], &[1, 2])),
        (r#""value": 0.25"#, BlockData::Value(0.25)),
        (r#""value": 250, "unit": "ms""#, BlockData::Value(0.25)),
        (r#""requests": 997, "errors": 3"#, BlockData::Requests { requests: 997, errors: 3 }),
        (
            r#""errors": 0, "requests": 18446744073709551615"#,
            BlockData::Requests { requests: u64::MAX, errors: 0 },
        ),
        (r#""classes": {}"#, classes(&[])),
        (r#""classes": {"timeout": 2, "\u0072eset": 0}"#, classes(&[("timeout", 2), ("reset", 0)])),
        (r#""pod": null, "route": null, "version": null, "value": 1"#, BlockData::Value(1.0)),
    ];
    cases.into_iter().map(|(rest, data)| (line(rest), data)).collect()
}

/// A line that must be refused.
pub(crate) struct Bad {
    pub(crate) line: String,
    /// The field that the error names; none where no field was begun.
    field: Option<&'static str>,
    /// A part of the error.
    says: &'static str,
    /// Whether a JSON schema can tell.
    pub(crate) schema: Schema,
}

/// What a JSON schema can tell of a malformed line.
#[derive(PartialEq)]
pub(crate) enum Schema {
    Refuses,
    CannotTell,
    /// It is no JSON in the first place, or its numbers are not.
    NoJson,
}

pub(crate) fn bad() -> Vec<Bad> {
    use Schema::{CannotTell, NoJson, Refuses};
    let whole = [
        ("", None, "EOF while parsing", NoJson),
        ("x", None, "expected value", NoJson),
        ("[1]", None, "expected a block as an object", Refuses),
        ("7", None, "expected a block as an object", Refuses),
        ("{}", Some("run"), "missing", Refuses),
        (r#"{"run": "a", "minute": 0, "track": "canary""#, Some("track"), "EOF while parsing", NoJson),
        (r#"{"run": "a" "minute": 0}"#, Some("run"), "expected `,` or `}`", NoJson),
        (r#"{"minute": 0, "track": "canary", "metric": "cpu", "value": 1}"#, Some("run"), "missing", Refuses),
        (r#"{"run": 1, "track": "canary", "metric": "cpu", "value": 1}"#, Some("minute"), "missing", Refuses),
        (r#"{"run": 1, "minute": 0, "metric": "cpu", "value": 1}"#, Some("track"), "missing", Refuses),
        (r#"{"run": 1, "minute": 0, "track": "stable", "value": 1}"#, Some("metric"), "missing", Refuses),
        ("{\"run\": \"\u{1}\"}", Some("run"), "control character", NoJson),
    ];
    let replaced = [
        (r#""run": "a""#, r#""run": null"#, "run", "a text or a whole number of 64 bits", Refuses),
        (r#""run": "a""#, r#""run": 1.5"#, "run", "a text or a whole number of 64 bits", Refuses),
        (r#""run": "a""#, r#""run": [1]"#, "run", "a text or a whole number of 64 bits", Refuses),
        (r#""run": "a""#, r#""run": true"#, "run", "a text or a whole number of 64 bits", Refuses),
        (
            r#""run": "a""#,
            r#""run": 18446744073709551616"#,
            "run",
            "a text or a whole number of 64 bits",
            CannotTell,
        ),
        (r#""minute": 3"#, r#""minute": 3.5"#, "minute", "expected i64", Refuses),
        (r#""minute": 3"#, r#""minute": 3.0"#, "minute", "expected i64", CannotTell),
        (r#""minute": 3"#, r#""minute": "3""#, "minute", "expected i64", Refuses),
        (r#""minute": 3"#, r#""minute": null"#, "minute", "expected i64", Refuses),
        (r#""minute": 3"#, r#""minute": NaN"#, "minute", "expected value", NoJson),
        (r#""minute": 3"#, r#""minute": 9223372036854775808"#, "minute", "expected i64", Refuses),
        (
            r#""minute": 3"#,
            r#""minute": 9223372036854775807"#,
            "minute",
            "from year -9999 to year 9999",
            Refuses,
        ),
        (r#""minute": 3"#, r#""minute": 4223370120"#, "minute", "from year -9999 to year 9999", Refuses),
        (r#""minute": 3"#, r#""minute": -6295083721"#, "minute", "from year -9999 to year 9999", Refuses),
        (r#""track": "canary""#, r#""track": "Canary""#, "track", "available: stable, canary", Refuses),
        (r#""track": "canary""#, r#""track": {"canary": null}"#, "track", "expected a string", Refuses),
        (r#""metric": "latency""#, r#""metric": "p 99""#, "metric", "expected 1 to 100 letters", Refuses),
        (r#""metric": "latency""#, r#""metric": """#, "metric", "expected 1 to 100 letters", Refuses),
    ];
    let rest = [
        (r#""pod": 7, "value": 1"#, "pod", "expected a string", Refuses),
        (r#""route": ["/"], "value": 1"#, "route", "expected a string", Refuses),
        (r#""version": 1, "value": 1"#, "version", "expected a string", Refuses),
        (r#""colour": 7, "value": 1"#, "colour", "unknown field `colour`, expected one of `run`", Refuses),
        (r#""track": "canary", "value": 1"#, "track", "duplicate field `track`", CannotTell),
        (r#""pod": null, "pod": null, "value": 1"#, "pod", "duplicate field `pod`", CannotTell),
        (r#""samples": [1], "samples": [1]"#, "samples", "duplicate field `samples`", CannotTell),
        (r#""pod": "p""#, "samples", "no measurements, expected one of samples, histogram, value", Refuses),
        (r#""samples": [1], "value": 1"#, "value", "two kinds of measurements", Refuses),
        (r#""value": 1, "requests": 1, "errors": 0"#, "requests", "two kinds of measurements", Refuses),
        (r#""classes": {}, "histogram": {"edges": [1], "counts": [1, 2]}"#, "classes", "two kinds", Refuses),
        (r#""requests": 1"#, "errors", "missing, and required", Refuses),
        (r#""errors": 1"#, "requests", "missing, and required", Refuses),
        (r#""requests": 1, "errors": 2"#, "errors", "2 failed of only 1 requests", CannotTell),
        (r#""requests": -1, "errors": 0"#, "requests", "expected u64", Refuses),
        (r#""requests": 1.0, "errors": 0"#, "requests", "expected u64", CannotTell),
        (r#""requests": 1, "errors": null"#, "errors", "expected u64", Refuses),
        (r#""samples": null"#, "samples", "expected an array of numbers", Refuses),
        (r#""samples": 1"#, "samples", "expected an array of numbers", Refuses),
        (r#""samples": [1, null]"#, "samples", "expected a number", Refuses),
        (r#""samples": [1, "2"]"#, "samples", "expected a number", Refuses),
        (r#""samples": [1, NaN]"#, "samples", "expected value", NoJson),
        (r#""samples": [Infinity]"#, "samples", "expected value", NoJson),
        (r#""samples": [1, -0.001]"#, "samples", "sample 1 is -0.001, expected a finite number", Refuses),
        (r#""samples": [1e999]"#, "samples", "number out of range", NoJson),
        (r#""samples": [1, 2,]"#, "samples", "trailing comma", NoJson),
        (r#""value": null"#, "value", "expected a number", Refuses),
        (r#""value": NaN"#, "value", "expected value", NoJson),
        (r#""value": -1"#, "value", "the value is -1, expected a finite number", Refuses),
        (r#""value": -1e999"#, "value", "number out of range", NoJson),
        (r#""value": "1""#, "value", "expected a number", Refuses),
        (r#""histogram": [[1], [1, 2]]"#, "histogram", "expected an object", Refuses),
        (r#""histogram": {"edges": [1]}"#, "histogram", "missing field `counts`", Refuses),
        (
            r#""histogram": {"edges": [1], "counts": [1, 2], "sum": 3}"#,
            "histogram",
            "unknown field `sum`",
            Refuses,
        ),
        (
            r#""histogram": {"edges": [1], "edges": [1], "counts": [1, 2]}"#,
            "histogram",
            "duplicate",
            CannotTell,
        ),
        (r#""histogram": {"edges": [], "counts": [1]}"#, "histogram", "one count more than edges", Refuses),
        (r#""histogram": {"edges": [1, 2], "counts": [1, 2]}"#, "histogram", "one count more", CannotTell),
        (
            r#""histogram": {"edges": [2, 1], "counts": [1, 2, 3]}"#,
            "histogram",
            "ascending edges",
            CannotTell,
        ),
        (r#""histogram": {"edges": [1, 1], "counts": [1, 2, 3]}"#, "histogram", "ascending edges", Refuses),
        (
            r#""histogram": {"edges": [-1], "counts": [1, 2]}"#,
            "histogram",
            "edge -1, expected finite",
            Refuses,
        ),
        (r#""histogram": {"edges": [1], "counts": [1, -2]}"#, "histogram", "expected u64", Refuses),
        (
            r#""histogram": {"edges": [1], "counts": [1, 18446744073709551615]}"#,
            "histogram",
            "add up to more than 2^64",
            CannotTell,
        ),
        (r#""classes": {"timeout": 1.5}"#, "classes", "expected u64", Refuses),
        (r#""classes": {"timeout": -1}"#, "classes", "expected u64", Refuses),
        (r#""classes": ["timeout"]"#, "classes", "expected an object of names to counts", Refuses),
        (r#""classes": {"timeout": 1, "timeout": 1}"#, "classes", r#""timeout" twice"#, CannotTell),
        (r#""left_out": {}"#, "left_out", "how many points are left out", Refuses),
        (r#""left_out": {"not-a-number": 0}"#, "left_out", "how many points are left out", Refuses),
        (r#""left_out": {"not-a-number": -1}"#, "left_out", "expected u64", Refuses),
        (r#""left_out": 3"#, "left_out", "expected an object of names to counts", Refuses),
        (r#""left_out": {"other": 1}, "value": 1"#, "value", "beside left_out", Refuses),
        (r#""left_out": {"other": 1}, "pod": "p""#, "pod", "beside left_out", Refuses),
        (r#""unit": "min", "samples": [1]"#, "unit", "available: s, ms, us, ns", Refuses),
        (r#""unit": null, "samples": [1]"#, "unit", "expected a string", Refuses),
        (r#""unit": "s", "requests": 1, "errors": 0"#, "unit", "of a time have a unit", Refuses),
        (r#""unit": "s", "classes": {}"#, "unit", "of a time have a unit", Refuses),
        (r#""value": 1}, {"value": 2"#, "value", "trailing characters", NoJson),
    ];
    let of_cpu = line(r#""unit": "s", "value": 1"#).replace("latency", "cpu");
    let whole = whole.map(|(line, field, says, schema)| Bad { line: line.to_owned(), field, says, schema });
    let replaced = replaced.map(|(what, by, field, says, schema)| Bad {
        line: line(r#""value": 1"#).replace(what, by),
        field: Some(field),
        says,
        schema,
    });
    let rest =
        rest.map(|(rest, field, says, schema)| Bad { line: line(rest), field: Some(field), says, schema });
    let cpu = Bad { line: of_cpu, field: Some("unit"), says: "of a time have a unit", schema: Refuses };
    whole.into_iter().chain(replaced).chain(rest).chain([cpu]).collect()
}

#[test]
fn every_kind_of_line_is_read() {
    for (line, data) in good() {
        let record = Record::read(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(record.block.data, data, "{line}");
        assert_eq!((record.run, record.block.minute), (RunId::from("a"), 3));
        assert_eq!((record.block.track, record.block.metric.as_str()), (Track::Canary, "latency"));
        assert_eq!((record.block.pod, record.block.route, record.block.version), (None, None, None));
        for end in ["\n", "\r\n", "  "] {
            assert_eq!(Record::read(line.clone() + end).unwrap().block.data, data);
        }
    }
    let line = r#"{"value": 1, "version": "v1", "route": "/", "pod": "p", "metric": "queue.length", "track": "stable", "minute": -6295083720, "run": -1}"#;
    let Record { run, block } = Record::read(line).unwrap();
    assert_eq!(run, RunId::from(-1_i64));
    assert_eq!((block.minute, block.track), (-6_295_083_720, Track::Stable));
    let texts = [block.pod, block.route, block.version].map(Option::unwrap);
    assert_eq!(texts, ["p", "/", "v1"]);
    assert!(Record::read(line.replace("-6295083720", "4223370119")).is_ok());
}

#[test]
fn every_malformed_line_is_refused_by_field() {
    for Bad { line, field, says, .. } in bad() {
        let error = Record::read(&line).expect_err(&line);
        assert!(error.is_invalid(), "{line}: {error}");
        let context: BTreeMap<_, _> = error.context().iter().cloned().collect();
        assert_eq!(context.get("field").map(String::as_str), field, "{line}: {error}");
        let text = error.to_string();
        assert!(text.contains(says), "{line}: {text}");
        assert!(!text.contains("at line"), "{line}: {text}");
    }
    let error = Record::read(b"{\"run\": \"\xff\"}").unwrap_err();
    assert!(error.to_string().contains("invalid unicode code point (field: run, column: "), "{error}");
}

/// Each quotient is the nearest number to the true one: dividing by a power of ten rounds once, multiplying by
/// its inverse rounds twice.
#[test]
fn units_are_exact() {
    for (unit, exponent) in [("s", 0), ("ms", 3), ("us", 6), ("ns", 9)] {
        for digits in (1_u64..20_000).step_by(7).chain([123_456_789_012, 9_007_199_254_740_991]) {
            let read = Record::read(line(&format!(r#""unit": "{unit}", "samples": [{digits}]"#))).unwrap();
            let exact: f64 = format!("{digits}e-{exponent}").parse().unwrap();
            assert_eq!(read.block.data, BlockData::Samples(vec![exact]), "{digits} {unit}");
        }
    }
}

#[test]
fn a_run_is_a_text_or_a_number_of_64_bits() {
    for (run, id) in [
        (r#""""#, RunId::from("")),
        (r#""1""#, RunId::from("1")),
        ("1", RunId::from(1_u64)),
        ("0", RunId::from(0_i64)),
        ("18446744073709551615", RunId::from(u64::MAX)),
        ("-9223372036854775808", RunId::from(i64::MIN)),
    ] {
        let record = Record::read(line(r#""value": 1"#).replace(r#""a""#, run)).unwrap();
        assert_eq!(record.run, id);
        assert_eq!(serde_json::to_string(&record.run).unwrap(), run);
        assert_eq!(id.to_string(), run);
    }
    assert_eq!(RunId::from(5_i64), RunId::from(5_u64));
}
