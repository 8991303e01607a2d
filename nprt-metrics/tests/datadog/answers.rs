//! What comes of odd answers: one bad point costs itself, and what says that it is no answer is an error.

use std::time::Duration;

use nprt_core::model::Secret;
use nprt_core::ports::{LeftOutReason, Measured, MetricsBackend};
use nprt_core::{Error, ErrorKind};
use nprt_metrics::datadog::{Datadog, DatadogApi, DatadogConfig, DatadogProfile};
use serde_json::{Value, json};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::schemas::check;
use crate::support::{MINUTE, clock_at, query};

const TIME: i64 = MINUTE * 60_000;

/// The tags of metrics of the Agent's say the track.
pub(crate) fn config(url: &str) -> DatadogConfig {
    let profile = DatadogProfile::Openmetrics { namespace: "shop".to_owned() };
    let mut config = DatadogConfig::of(Secret::new("s3cret-api"), Secret::new("s3cret-app"), &profile);
    config.url = Some(url.to_owned());
    config
}

fn open(url: &str, api: DatadogApi) -> Datadog {
    let mut config = config(url);
    config.api = api;
    config.build(clock_at(40)).unwrap()
}

/// What the backend makes of an answer to its question for the `metric`.
async fn answered(metric: &str, answer: ResponseTemplate, api: DatadogApi) -> Result<Measured, Error> {
    let fake = MockServer::start().await;
    let verb = if api == DatadogApi::V1 { "GET" } else { "POST" };
    Mock::given(method(verb)).respond_with(answer).mount(&fake).await;
    open(&fake.uri(), api).blocks(&query(metric, 0, 30)).await
}

/// Series of one query: tags, and points by minute.
type Columns<'a> = &'a [(&'a [&'a str], &'a [(i64, f64)])];

fn v2(columns: Columns<'_>) -> ResponseTemplate {
    let mut minutes: Vec<i64> = columns.iter().flat_map(|(_, points)| points.iter().map(|at| at.0)).collect();
    minutes.sort_unstable();
    minutes.dedup();
    let values: Vec<Vec<Option<f64>>> = columns
        .iter()
        .map(|(_, points)| {
            let at = |minute: &i64| points.iter().find(|point| point.0 == *minute).map(|point| point.1);
            minutes.iter().map(at).collect()
        })
        .collect();
    let series: Vec<Value> =
        columns.iter().map(|(tags, _)| json!({"group_tags": tags, "query_index": 0})).collect();
    let times: Vec<i64> = minutes.iter().map(|minute| TIME + minute * 60_000).collect();
    let body = json!({"data": {"type": "timeseries_response", "attributes": {
        "series": series, "times": times, "values": values,
    }}});
    check("v2", "response", &body);
    ResponseTemplate::new(200).set_body_json(body)
}

fn v1(interval: i64, columns: Columns<'_>) -> ResponseTemplate {
    let series: Vec<Value> = columns
        .iter()
        .map(|(tags, points)| {
            let points: Vec<Value> =
                points.iter().map(|(minute, value)| json!([TIME + minute * 60_000, value])).collect();
            json!({"tag_set": tags, "interval": interval, "pointlist": points})
        })
        .collect();
    let body = json!({"status": "ok", "series": series});
    check("v1", "response", &body);
    ResponseTemplate::new(200).set_body_json(body)
}

/// Reason and count of what was left out.
fn left_out(measured: &Measured) -> Vec<(LeftOutReason, u64)> {
    let mut all: Vec<(LeftOutReason, u64)> = Vec::new();
    for left in &measured.left_out {
        match all.iter_mut().find(|(reason, _)| *reason == left.reason) {
            Some((_, points)) => *points += left.points,
            None => all.push((left.reason, left.points)),
        }
    }
    all
}

#[tokio::test]
async fn one_bad_point_costs_itself() {
    let stable: &[&str] = &["track:stable", "pod_name:a"];
    for api in [DatadogApi::V2, DatadogApi::V1] {
        let answer = |columns: Columns<'_>| match api {
            DatadogApi::V1 => v1(60, columns),
            _ => v2(columns),
        };
        let columns: Columns<'_> = &[(stable, &[(0, 4.0), (1, -3.0), (2, 5.0), (3, 1e17), (4, 0.0)])];
        let measured = answered("errors", answer(columns), api).await.unwrap();
        assert_eq!(measured.blocks.len(), 3, "{api:?}: {measured:?}");
        let expected = [(LeftOutReason::Negative, 1), (LeftOutReason::TooGreat, 1)];
        assert_eq!(left_out(&measured), expected, "{api:?}");
    }
}

#[tokio::test]
async fn a_series_without_a_track_is_counted_and_ignored() {
    let columns: Columns<'_> = &[
        (&["track:stable", "pod_name:N/A"], &[(0, 2e6), (1, 2e6)]),
        (&["track:N/A", "pod_name:a"], &[(0, 1.0), (1, 1.0)]),
        (&["track:beta", "pod_name:b"], &[(1, 1.0)]),
        (&["pod_name:c"], &[(1, 1.0)]),
    ];
    let measured = answered("memory", v2(columns), DatadogApi::V2).await.unwrap();
    assert_eq!(measured.blocks.len(), 2);
    assert_eq!(measured.blocks[0].pod, None);
    assert_eq!(left_out(&measured), [(LeftOutReason::NoTrack, 4)]);
    assert!(measured.notes.iter().any(|note| note.contains("beta")), "{:?}", measured.notes);
    // With nothing else, there are no blocks: not an error, and no pass either.
    let none = answered("memory", v2(&columns[1..2]), DatadogApi::V2).await.unwrap();
    assert_eq!((none.blocks.len(), left_out(&none)), (0, vec![(LeftOutReason::NoTrack, 2)]));
}

#[tokio::test]
async fn five_minutes_are_never_one() {
    let every = |step: i64, n: i64| (0..n).map(|i| (i * step, 1.0)).collect::<Vec<_>>();
    let tags: &[&str] = &["track:stable"];
    let coarse = |measured: &Measured, points| {
        assert!(measured.blocks.is_empty(), "{measured:?}");
        assert_eq!(left_out(measured), [(LeftOutReason::Resolution, points)]);
        assert!(measured.notes[0].contains("every 5 minutes"), "{:?}", measured.notes);
    };
    coarse(&answered("memory", v2(&[(tags, &every(5, 6))]), DatadogApi::V2).await.unwrap(), 6);
    coarse(&answered("memory", v1(300, &[(tags, &every(5, 2))]), DatadogApi::V1).await.unwrap(), 2);
    // A gap in what has a point a minute, and what happens now and then, are as they are.
    for points in
        [vec![(0, 1.0), (5, 1.0), (10, 1.0), (11, 1.0), (15, 1.0)], vec![(2, 1.0), (8, 1.0), (20, 1.0)]]
    {
        let measured = answered("memory", v2(&[(tags, &points)]), DatadogApi::V2).await.unwrap();
        assert_eq!((measured.blocks.len(), measured.left_out.len()), (points.len(), 0));
    }
    // Finer than a minute is no minute either.
    let time = json!({"data": {"attributes": {"series": [{"group_tags": tags, "query_index": 0}],
        "times": [TIME, TIME + 20_000, TIME + 60_000], "values": [[1.0, 1.0, 1.0]]}}});
    let answer = ResponseTemplate::new(200).set_body_json(time);
    let measured = answered("memory", answer, DatadogApi::V2).await.unwrap();
    assert_eq!((measured.blocks.len(), left_out(&measured)), (2, vec![(LeftOutReason::Resolution, 1)]));
}

#[tokio::test]
async fn a_distribution_has_no_holes() {
    let fake = MockServer::start().await;
    let profile = DatadogProfile::default();
    let mut config = DatadogConfig::of(Secret::new("s3cret-api"), Secret::new("s3cret-app"), &profile);
    config.url = Some(fake.uri());
    // Query 4 counts what is at or below 0.05, query 16 all: what is in between says nothing of its own.
    let series = json!([{"group_tags": ["version:1"], "query_index": 4}, {"group_tags": ["version:1"], "query_index": 16}]);
    let body = json!({"data": {"type": "timeseries_response", "attributes":
        {"series": series, "times": [TIME, TIME + 60_000], "values": [[3.0, 2.0], [4.0, null]]}}});
    check("v2", "response", &body);
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .mount(&fake)
        .await;
    let backend = config.build(clock_at(40)).unwrap();
    let measured = backend.blocks(&query("latency", 0, 30)).await.unwrap();
    let nprt_core::model::BlockData::Histogram { edges, counts } = &measured.blocks[0].data else { panic!() };
    assert_eq!((edges.len(), counts.len(), measured.blocks.len()), (16, 17, 1));
    assert_eq!((counts[4], counts[16], counts.iter().sum::<u64>()), (3, 1, 4));
    // The minute without a total is left out.
    assert_eq!(measured.left_out.iter().map(|left| left.points).sum::<u64>(), 1);
    assert!(measured.evidence.queries[0].contains("v<=0.005"), "{:?}", measured.evidence);
}

#[tokio::test]
async fn an_answer_that_repeats_a_key_is_not_quoted() {
    for (status, errors) in [(403, json!(["no such key: s3cret-api"])), (200, json!("s3cret-app may not"))] {
        let answer = ResponseTemplate::new(status).set_body_json(json!({"errors": errors}));
        let error = answered("cpu", answer, DatadogApi::V2).await.unwrap_err();
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn refusals_keep_their_kind() {
    for (status, kind) in [
        (400, ErrorKind::Invalid),
        (401, ErrorKind::Unauthenticated),
        (403, ErrorKind::Forbidden),
        (404, ErrorKind::Unavailable),
        (429, ErrorKind::RateLimited),
        (500, ErrorKind::Unavailable),
    ] {
        let body = json!({"errors": ["as Datadog says"]});
        check("v2", "refusal", &body);
        let answer =
            ResponseTemplate::new(status).insert_header("x-ratelimit-reset", "17").set_body_json(body);
        let error = answered("cpu", answer, DatadogApi::V2).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!error.is_not_found() && !error.is_not_configured(), "{error}");
        assert!(error.to_string().contains("as Datadog says"), "{error}");
        assert!(error.to_string().contains("x-ratelimit-reset: 17"), "{error}");
        assert_eq!(error.retry_after(), (status == 429).then_some(Duration::from_secs(17)), "{error}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn what_is_no_whole_answer_is_an_error() {
    let attributes = json!({"series": [], "times": [], "values": []});
    let with = |name: &str, value: Value| {
        let mut body = json!({"data": {"attributes": attributes}});
        let (parent, key) = name.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[key] = value;
        body
    };
    let lengths = json!({"data": {"attributes": {"series": [{}], "times": [TIME], "values": [[1.0, 2.0]]}}});
    for (api, body, text) in [
        (DatadogApi::V2, with("/errors", json!("too much")), "too much"),
        (DatadogApi::V2, with("/errors", json!(["a", "b"])), "a; b"),
        (DatadogApi::V2, with("/warnings", json!([{"title": "some shards failed"}])), "some shards failed"),
        (DatadogApi::V2, with("/meta", json!({"warnings": ["partial"]})), "partial"),
        (DatadogApi::V2, with("/data/attributes/warnings", json!(["cut"])), "cut"),
        (DatadogApi::V2, lengths, "column"),
        (DatadogApi::V2, json!({}), "no data"),
        (DatadogApi::V2, json!("<html>"), "not Datadog's"),
        (DatadogApi::V1, json!({"status": "error", "error": "Rule 'x' is wrong"}), "Rule 'x' is wrong"),
        (DatadogApi::V1, json!({"status": "error", "series": []}), "expected the status ok"),
        (DatadogApi::V1, json!({"status": "ok"}), "no series"),
        (DatadogApi::V1, json!({"status": "ok", "series": [], "errors": ["timed out"]}), "timed out"),
    ] {
        let answer = ResponseTemplate::new(200).set_body_json(body);
        let error = answered("cpu", answer, api).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unexpected | ErrorKind::Unavailable), "{error}");
        assert!(error.to_string().contains(text), "{text}: {error}");
    }
}
