//! Recorded answers of range queries, as a file holds them.
#![cfg(feature = "prometheus")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use std::collections::BTreeMap;

use nprt_core::model::{BlockData, MetricName, Track};
use nprt_metrics::prometheus::recorded;
use serde_json::{Value, json};

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
    let blocks = recorded(format!("{buckets}\n{others}").as_bytes(), None).unwrap();
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
    assert_eq!(recorded(one.as_bytes(), Some(&queue)).unwrap()[0].metric, queue);
    let error = recorded(one.as_bytes(), None).unwrap_err();
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
        (json!({"status": "error", "error": "bad"}).to_string(), "the answer has no data"),
        (json!({"data": {"resultType": "vector", "result": []}}).to_string(), "found: vector"),
        (
            json!({"data": {"resultType": "matrix", "result": []}, "warnings": ["partial"]}).to_string(),
            "warning: partial",
        ),
        (of(json!({"metric": "cpu"}), json!([[60, "1"]])), "expected the label track"),
        (of(json!({"metric": "cpu", "track": "stable"}), json!([[75, "1"]])), "expected whole minutes"),
        (of(json!({"metric": "cpu", "track": "stable"}), json!([[60, "NaN"]])), "expected a finite number"),
        (of(json!({"metric": "errors", "track": "stable"}), json!([[60, "-1"]])), "expected a count"),
        (of(json!({"metric": "latency", "track": "stable", "le": "1"}), json!([[60, "1"]])), "+Inf"),
        (of(json!({"__name__": "a:b", "track": "stable"}), json!([[60, "1"]])), "a:b"),
        (answer(&twice), "several series have the same"),
    ] {
        let error = recorded(text.as_bytes(), None).unwrap_err();
        assert!(error.to_string().contains(said), "{text}: {error}");
    }
}
