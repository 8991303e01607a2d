//! Recorded answers of range queries, as a file holds them.
#![cfg(feature = "prometheus")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use std::collections::BTreeMap;

use nprt_core::Error;
use nprt_core::model::{BlockData, MetricName, Track};
use nprt_core::ports::{LeftOut, LeftOutReason, Measured};
use nprt_metrics::prometheus::{self, Profile, Recording, StatusLabel, Statuses};
use nprt_metrics::{MetricUnit, TrackLabel};
use serde_json::{Value, json};

/// What was measured of all metrics together, by minute.
fn recorded(answers: &[u8], recording: &Recording) -> Result<Measured, Error> {
    let mut all = Measured::default();
    for (metric, measured) in prometheus::recorded(answers, recording)? {
        assert!(measured.blocks.iter().all(|block| block.metric == metric), "{metric}: {measured:?}");
        all.merge(measured);
    }
    all.blocks.sort_by(|a, b| (a.minute, &a.metric).cmp(&(b.minute, &b.metric)));
    Ok(all)
}

fn answer(series: &Value) -> String {
    json!({"status": "success", "data": {"resultType": "matrix", "result": series}}).to_string()
}

fn series(labels: &Value, values: &Value) -> Value {
    json!({"metric": labels, "values": values})
}

#[test]
fn each_shape_is_told_by_its_labels() {
    let bucket = |le: &str, value: &str| {
        series(
            &json!({"metric": "latency", "track": "canary", "pod": "p", "route": "/a", "le": le}),
            &json!([[120, value]]),
        )
    };
    let buckets = answer(&json!([bucket("+Inf", "10.2"), bucket("0.1", "4"), bucket("0.5", "9")]));
    let others = answer(&json!([
        series(
            &json!({"metric": "cpu", "track": "stable", "version": "v1"}),
            &json!([[60, "0.5"], [180, "0.25"]])
        ),
        series(&json!({"__name__": "errors", "track": "stable", "code": "503"}), &json!([[120, "2"]])),
        series(&json!({"__name__": "errors", "track": "stable", "code": "500"}), &json!([[120, "0.2"]])),
        series(&json!({"__name__": "requests", "track": "stable", "code": "500"}), &json!([[120, "3"]])),
        series(&json!({"__name__": "requests", "track": "stable", "code": "200"}), &json!([[120, "5"]])),
    ]));
    let blocks = recorded(format!("{buckets}\n{others}").as_bytes(), &Recording::default()).unwrap().blocks;
    let minutes: Vec<_> =
        blocks.iter().map(|block| (block.minute, block.metric.as_str(), block.track)).collect();
    let expected = [
        (0, "cpu", Track::Stable),
        (1, "errors", Track::Stable),
        (1, "latency", Track::Canary),
        (1, "requests", Track::Stable),
        (2, "cpu", Track::Stable),
    ];
    assert_eq!(minutes, expected);
    let data: Vec<_> = blocks.iter().map(|block| block.data.clone()).collect();
    let classes = BTreeMap::from([("500".to_owned(), 1), ("503".to_owned(), 2)]);
    let expected = [
        BlockData::Value(0.5),
        BlockData::Classes(classes),
        BlockData::Histogram { edges: vec![0.1, 0.5], counts: vec![4, 5, 1] },
        BlockData::Requests { requests: 8, errors: 3 },
        BlockData::Value(0.25),
    ];
    assert_eq!(data, expected);
    assert_eq!(
        (blocks[0].version.as_deref(), blocks[2].pod.as_deref(), blocks[2].route.as_deref()),
        (Some("v1"), Some("p"), Some("/a"))
    );
}

#[test]
fn the_caller_can_say_which_metric_it_is() {
    let one = answer(&json!([series(&json!({"track": "canary"}), &json!([[60, "1"]]))]));
    let queue = MetricName::new("queue").unwrap();
    let of_queue = Recording { metric: Some(queue.clone()), ..Recording::default() };
    assert_eq!(recorded(one.as_bytes(), &of_queue).unwrap().blocks[0].metric, queue);
    let error = recorded(one.as_bytes(), &Recording::default()).unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("series: {track=\"canary\"}"), "{error}");
}

#[test]
fn what_no_blocks_can_be_made_of_is_an_error() {
    let of = |labels: Value, values: Value| answer(&json!([series(&labels, &values)]));
    let twice = json!([
        series(&json!({"metric": "cpu", "track": "stable", "instance": "a"}), &json!([[60, "1"]])),
        series(&json!({"metric": "cpu", "track": "stable", "instance": "b"}), &json!([[60, "1"]])),
    ]);
    for (text, said) in [
        ("[]".to_owned(), "no answer of a range query"),
        (json!({"status": "success"}).to_string(), "the answer has no data"),
        (
            json!({"status": "error", "errorType": "bad_data", "error": "1:5: parse error"}).to_string(),
            "invalid: 1:5: parse error (error_type: bad_data)",
        ),
        (
            json!({"data": {"resultType": "matrix", "result": []}, "isPartial": true}).to_string(),
            "isPartial: true",
        ),
        (json!({"data": {"resultType": "vector", "result": []}}).to_string(), "found: vector"),
        (
            json!({"data": {"resultType": "matrix", "result": []}, "warnings": ["partial"]}).to_string(),
            "warning: partial",
        ),
        (of(json!({"metric": "cpu"}), json!([[60, "1"]])), "expected the label track"),
        (of(json!({"metric": "cpu", "track": "stable"}), json!([[75, "1"]])), "expected whole minutes"),
        (of(json!({"metric": "cpu", "track": "stable"}), json!([[60, "x"]])), "expected a number"),
        (of(json!({"metric": "latency", "track": "stable", "le": "1"}), json!([[60, "1"]])), "+Inf"),
        (of(json!({"__name__": "a:b", "track": "stable"}), json!([[60, "1"]])), "a:b"),
        (answer(&twice), "several series have the same"),
    ] {
        let error = recorded(text.as_bytes(), &Recording::default()).unwrap_err();
        assert!(error.to_string().contains(said), "{text}: {error}");
    }
}

/// A case of `../shared/cases/metrics`, as it was recorded.
fn case(name: &str) -> String {
    let path = format!("{}/tests/recorded/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn status(label: &str) -> Recording {
    let mut recording = Recording::default();
    recording.source.status = Statuses(vec![StatusLabel::from(label)]);
    recording
}

/// The requests of each track, and how many of them failed.
fn requests(answer: &str, recording: &Recording) -> Result<[(u64, u64); 2], String> {
    let blocks = recorded(answer.as_bytes(), recording).map_err(|error| error.to_string())?.blocks;
    let mut sums = [(0, 0); 2];
    for block in blocks {
        if let BlockData::Requests { requests, errors } = block.data {
            let (all, failed) = &mut sums[usize::from(block.track == Track::Canary)];
            (*all, *failed) = (*all + requests, *failed + errors);
        }
    }
    Ok(sums)
}

#[test]
fn requests_of_unknown_status_are_no_successes() {
    let expected = [(30 * 3003, 30 * 3), (30 * 1300, 30 * 300)];
    for label in ["status", "response_code", "status_code"] {
        let answer = case(&format!("status-{label}"));
        let error = requests(&answer, &Recording::default()).unwrap_err();
        assert!(error.contains("no label says which requests failed: expected code"), "{error}");
        assert!(error.contains(&format!("found the labels metric, track, {label}")), "{error}");
        assert_eq!(requests(&answer, &status(label)), Ok(expected), "{label}");
    }
    let answer = case("status-status");
    // gRPC's codes, by name and by number, in labels of their usual names.
    for (label, ok, failed) in [
        ("grpc_code", "OK", "Unavailable"),
        ("grpc_status", "0", "14"),
        ("rpc_grpc_status_code", "0", "13"),
        ("classification", "success", "failure"),
    ] {
        let grpc = answer
            .replace(r#""status": "200""#, &format!(r#""{label}": "{ok}""#))
            .replace(r#""status": "500""#, &format!(r#""{label}": "{failed}""#));
        assert_eq!(requests(&grpc, &status(label)), Ok(expected), "{label}");
    }
    // The label's name as ever, and gRPC's names in it.
    let code = answer
        .replace(r#""status": "200""#, r#""code": "OK""#)
        .replace(r#""status": "500""#, r#""code": "Unavailable""#);
    assert_eq!(requests(&code, &Recording::default()), Ok(expected));
    // One series of many says nothing, or something that nobody knows: what failed there does not count as answered.
    for odd in [r#""other": "500""#, r#""status": """#, r#""status": "teapot""#, r#""status": "0""#] {
        let some = answer.replacen(r#""status": "500""#, odd, 1);
        assert_eq!(requests(&some, &status("status")), Ok([(0, 0), expected[1]]), "{odd}");
        let measured = recorded(some.as_bytes(), &status("status")).unwrap();
        let left: u64 = measured.left_out.iter().map(|left| left.points).sum();
        assert!(measured.left_out.iter().all(|left| left.reason == LeftOutReason::UnknownStatus));
        assert_eq!((left, measured.notes.len()), (30, 1), "{:?}", measured.notes);
    }
}

#[test]
fn one_bad_point_costs_itself() {
    let nan = recorded(case("nan").as_bytes(), &Recording::default()).unwrap().blocks;
    assert_eq!(nan.len(), 59, "one of 60 is NaN");
    let left = recorded(case("nan").as_bytes(), &Recording::default()).unwrap().left_out;
    let (reason, track) = (LeftOutReason::NotANumber, Some(Track::Canary));
    assert_eq!(left, [LeftOut { reason, minute: Some(1_764_000_300 / 60 - 1), track, points: 1 }]);
    // A series of no track beside the others.
    let stray = answer(&json!([
        series(&json!({"metric": "cpu", "track": "stable"}), &json!([[60, "1"]])),
        series(&json!({"metric": "cpu", "track": "shadow"}), &json!([[60, "1"]])),
        series(&json!({"metric": "cpu"}), &json!([[60, "1"]])),
    ]));
    assert_eq!(recorded(stray.as_bytes(), &Recording::default()).unwrap().blocks.len(), 1);
    // A count below zero spoils its minute and place, and nothing else.
    let negative = answer(&json!([
        series(
            &json!({"metric": "errors", "track": "stable", "code": "500"}),
            &json!([[60, "-3"], [120, "1"]])
        ),
        series(
            &json!({"metric": "errors", "track": "stable", "code": "503"}),
            &json!([[60, "2"], [120, "2"]])
        ),
    ]));
    let blocks = recorded(negative.as_bytes(), &Recording::default()).unwrap().blocks;
    assert_eq!(blocks.len(), 1);
    assert_eq!(blocks[0].minute, 1);
}

#[test]
fn informational_notes_are_no_errors() {
    assert_eq!(recorded(case("info").as_bytes(), &Recording::default()).unwrap().blocks.len(), 60);
    let partial = recorded(case("partial").as_bytes(), &Recording::default()).unwrap_err();
    assert!(partial.is_temporary() && partial.to_string().contains("isPartial"), "{partial}");
}

#[test]
fn an_edge_is_a_number_however_it_is_spelled() {
    let blocks = recorded(case("le-spelled").as_bytes(), &Recording::default()).unwrap().blocks;
    for block in &blocks {
        let BlockData::Histogram { edges, counts } = &block.data else { panic!("{block:?}") };
        assert_eq!(edges, &[0.5, 1.0, 2.0]);
        assert!(counts[0] > 900 && counts[1] > 500 && counts[2] > 300 && counts[3] > 10, "{counts:?}");
    }
    assert_eq!(blocks.len(), 60);
}

#[test]
fn edges_in_milliseconds_are_seconds() {
    let latency = MetricName::new("latency").unwrap();
    let milliseconds =
        Recording { units: BTreeMap::from([(latency, MetricUnit::Milliseconds)]), ..Recording::default() };
    for canary in ["1.0", "1.2"] {
        let seconds =
            recorded(case(&format!("seconds-{canary}")).as_bytes(), &Recording::default()).unwrap().blocks;
        let converted =
            recorded(case(&format!("milliseconds-{canary}")).as_bytes(), &milliseconds).unwrap().blocks;
        assert!(!seconds.is_empty());
        assert_eq!(seconds, converted, "{canary}");
    }
    // A profile knows its units.
    let mut istio = Recording::of(Profile::Istio);
    istio.source.labels.track = "track".into();
    let seconds = recorded(case("seconds-1.2").as_bytes(), &Recording::default()).unwrap().blocks;
    assert_eq!(recorded(case("milliseconds-1.2").as_bytes(), &istio).unwrap().blocks, seconds);
}

#[test]
fn the_track_may_come_from_a_name() {
    let pods = answer(&json!([
        series(&json!({"metric": "cpu", "pod": "web-canary-6d4cf56db6-x7k2p"}), &json!([[60, "1"]])),
        series(&json!({"metric": "cpu", "pod": "web-7c9df48b5b-x7k2p"}), &json!([[60, "1"]])),
    ]));
    let mut recording = Recording::default();
    recording.source.labels.track =
        TrackLabel::Name { label: "pod".to_owned(), names: nprt_metrics::Named::Pod };
    let blocks = recorded(pods.as_bytes(), &recording).unwrap().blocks;
    let tracks: Vec<_> = blocks.iter().map(|block| (block.track, block.pod.as_deref())).collect();
    assert!(tracks.contains(&(Track::Canary, Some("web-canary-6d4cf56db6-x7k2p"))), "{tracks:?}");
    assert!(tracks.contains(&(Track::Stable, Some("web-7c9df48b5b-x7k2p"))), "{tracks:?}");
}
