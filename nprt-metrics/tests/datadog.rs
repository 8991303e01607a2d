//! The Datadog backend, on a fake of `POST /api/v2/query/timeseries` made from its public documentation:
//! <https://docs.datadoghq.com/api/latest/metrics/query-timeseries-data-across-multiple-products/>.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(feature = "datadog")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use nprt_core::conformance::metrics::{self, Recorded};
use nprt_core::model::{Block, BlockData, BlockShape, MetricName, Secret, ServiceName, Track};
use nprt_core::ports::{MetricsBackend, MetricsCapabilities};
use nprt_core::{Error, ErrorKind};
use nprt_metrics::datadog::{Datadog, DatadogConfig, DatadogMetric};
use serde_json::{Value, json};
use support::{MINUTE, clock_at, name, query};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// What was sent to the account: metric, minute, tags and value.
#[derive(Default)]
struct Account(Vec<(&'static str, i64, BTreeMap<String, String>, f64)>);

impl Account {
    /// One minute of a pod of the shop, and the blocks that must come of it.
    fn minute(&mut self, minute: i64, track: Track, pod: &str) -> Vec<Block> {
        let minute = MINUTE + minute;
        let mut send = |metric, route: bool, code: Option<&str>, value| {
            for (service, factor) in [("shop", 1.0), ("other", 7.0)] {
                let track = track.as_str();
                let mut tags =
                    vec![("service", service), ("track", track), ("version", "1.2"), ("pod_name", pod)];
                tags.extend(route.then_some(("resource_name", "get_/cart")));
                tags.extend(code.map(|code| ("http.status_code", code)));
                let tags = tags.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
                self.0.push((metric, minute, tags, factor * value));
            }
        };
        send("trace.http.request", true, None, 0.25);
        for (code, hits) in [("200", 60.0), ("500", 8.0), ("503", 4.0)] {
            send("trace.http.request.hits", true, Some(code), hits);
        }
        send("trace.http.request.errors", true, Some("500"), 8.0);
        send("trace.http.request.errors", true, Some("503"), 4.0);
        send("kubernetes.cpu.usage.total", false, None, 0.5e9);
        send("kubernetes.memory.usage", false, None, 1e6);
        let block = |metric: &str, route: bool, data| Block {
            minute,
            track,
            version: Some("1.2".to_owned()),
            pod: Some(pod.to_owned()),
            route: route.then(|| "get_/cart".to_owned()),
            metric: name(metric),
            data,
        };
        let classes = BTreeMap::from([("500".to_owned(), 8), ("503".to_owned(), 4)]);
        vec![
            block("latency", true, BlockData::Value(0.25)),
            block("requests", true, BlockData::Requests { requests: 72, errors: 12 }),
            block("errors", true, BlockData::Classes(classes)),
            block("cpu", false, BlockData::Value(0.5)),
            block("memory", false, BlockData::Value(1e6)),
        ]
    }

    /// Evaluates `function:metric{service:name} by {tag,…}`: sums by group and minute.
    fn evaluate(&self, query: &str) -> BTreeMap<Vec<String>, BTreeMap<i64, f64>> {
        let (metric, rest) = query.split_once(':').unwrap().1.split_once('{').unwrap();
        let (service, rest) = rest.strip_prefix("service:").unwrap().split_once('}').unwrap();
        let (by, function) = rest.strip_prefix(" by {").unwrap().split_once('}').unwrap();
        // Counts would be rates, and gaps be filled, without them.
        let counts = metric.starts_with("trace.") && metric != "trace.http.request";
        assert_eq!(function, if counts { ".as_count()" } else { ".fill(null)" }, "{query}");
        let mut series: BTreeMap<Vec<String>, BTreeMap<i64, f64>> = BTreeMap::new();
        for (_, minute, tags, value) in
            self.0.iter().filter(|(m, _, t, _)| *m == metric && t["service"] == service)
        {
            let tag = |key: &str| format!("{key}:{}", tags.get(key).map_or("N/A", String::as_str));
            let group = by.split(',').map(tag).collect();
            *series.entry(group).or_default().entry(*minute).or_default() += value;
        }
        series
    }
}

impl Respond for Account {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["data"]["type"], "timeseries_request");
        let asked = &body["data"]["attributes"];
        assert_eq!(asked["interval"], 60_000);
        let (from, to) = (asked["from"].as_i64().unwrap(), asked["to"].as_i64().unwrap());
        assert!(to - from <= 1500 * 60_000, "more points than Datadog answers at this interval");
        // Every minute has a time, as Datadog has it where any series has a point near it.
        let times: Vec<i64> = (from..to).step_by(60_000).collect();
        let (mut series, mut values) = (Vec::new(), Vec::new());
        for (index, formula) in asked["formulas"].as_array().unwrap().iter().enumerate() {
            let queries = asked["queries"].as_array().unwrap();
            let query = queries.iter().find(|query| query["name"] == formula["formula"]).unwrap();
            assert_eq!(query["data_source"], "metrics");
            for (group, points) in self.evaluate(query["query"].as_str().unwrap()) {
                series.push(json!({"group_tags": group, "query_index": index, "unit": [null, null]}));
                let column = times.iter().map(|time| points.get(&(time / 60_000)).copied());
                values.push(column.collect::<Vec<Option<f64>>>());
            }
        }
        let attributes = json!({"series": series, "times": times, "values": values});
        ResponseTemplate::new(200)
            .set_body_json(json!({"data": {"type": "timeseries_response", "attributes": attributes}}))
    }
}

fn config(fake: &MockServer) -> DatadogConfig {
    let mut config = DatadogConfig::new(Secret::new("s3cret-api"), Secret::new("s3cret-app"));
    config.url = Some(fake.uri());
    config
}

/// Minute 4 ended less than the delay ago.
fn open(fake: &MockServer) -> Datadog {
    config(fake).build(clock_at(6)).unwrap()
}

#[tokio::test]
async fn conforms() {
    let mut account = Account::default();
    let mut blocks = Vec::new();
    for (track, pod) in [(Track::Canary, "c"), (Track::Stable, "t"), (Track::Stable, "s")] {
        for minute in [0, 2, 3, 4] {
            let of_minute = account.minute(minute, track, pod);
            if minute < 4 {
                blocks.extend(of_minute);
            }
        }
    }
    let fake = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/api/v2/query/timeseries"))
        .and(header("dd-api-key", "s3cret-api"))
        .and(header("dd-application-key", "s3cret-app"))
        .respond_with(account)
        .mount(&fake)
        .await;
    let recorded = Recorded { service: ServiceName::new("shop").unwrap(), blocks };
    metrics::all(&open(&fake), &open(&fake), &recorded).await;
    // A long range takes several requests and answers the same.
    let long = open(&fake).blocks(&query("latency", -3000, 7)).await.unwrap().blocks;
    assert_eq!(long.len(), 9);
}

#[test]
fn capabilities() {
    let names = ["cpu", "errors", "latency", "memory", "requests"];
    let expected = MetricsCapabilities {
        metrics: Some(names.into_iter().map(|name| MetricName::new(name).unwrap()).collect()),
        shapes: BTreeSet::from([BlockShape::Value, BlockShape::Requests, BlockShape::Classes]),
        history: true,
        pods: true,
        routes: true,
    };
    let config = DatadogConfig::new(Secret::new("a"), Secret::new("b"));
    assert_eq!(config.build(clock_at(0)).unwrap().capabilities(), expected);
}

/// What the backend makes of an answer.
async fn answered(answer: ResponseTemplate) -> Result<Vec<Block>, Error> {
    let fake = MockServer::start().await;
    Mock::given(method("POST")).respond_with(answer).mount(&fake).await;
    open(&fake).blocks(&query("cpu", 0, 4)).await.map(|measured| measured.blocks)
}

#[tokio::test]
async fn an_answer_that_repeats_a_key_is_not_quoted() {
    for (status, errors) in [(403, json!(["no such key: s3cret-api"])), (200, json!("s3cret-app may not"))] {
        let answer = ResponseTemplate::new(status).set_body_json(json!({"errors": errors}));
        let error = answered(answer).await.unwrap_err();
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn refusals_keep_their_kind() {
    for (status, kind) in [
        (400, ErrorKind::Invalid),
        (401, ErrorKind::Unauthenticated),
        (403, ErrorKind::Forbidden),
        (429, ErrorKind::RateLimited),
        (500, ErrorKind::Unavailable),
    ] {
        let answer = ResponseTemplate::new(status)
            .insert_header("x-ratelimit-reset", "17")
            .set_body_json(json!({"errors": ["as Datadog says"]}));
        let error = answered(answer).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains("as Datadog says"), "{error}");
        assert!(error.to_string().contains("x-ratelimit-reset: 17"), "{error}");
        assert_eq!(error.retry_after(), (status == 429).then_some(Duration::from_secs(17)), "{error}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn odd_answers_are_errors() {
    let columns = |tags: Value, times: Value, values: Value| {
        let series = json!([{"group_tags": tags, "query_index": 0}]);
        let attributes = json!({"series": series, "times": times, "values": values});
        ResponseTemplate::new(200).set_body_json(json!({"data": {"attributes": attributes}}))
    };
    let time = MINUTE * 60_000;
    let stable = || json!(["track:stable", "pod_name:N/A"]);
    let good = answered(columns(stable(), json!([time, time + 60_000]), json!([[null, 2e9]]))).await.unwrap();
    assert_eq!((good.len(), good[0].minute, good[0].pod.as_deref()), (1, MINUTE + 1, None));
    for (answer, text) in [
        (columns(stable(), json!([time]), json!([[1.0, 2.0]])), "column"),
        (columns(stable(), json!([time]), json!([])), "column"),
        (columns(stable(), json!([time + 1]), json!([[1.0]])), "whole minutes"),
        (columns(json!(["track:N/A"]), json!([time]), json!([[1.0]])), "track"),
        (columns(json!(["track:beta"]), json!([time]), json!([[1.0]])), "beta"),
        (ResponseTemplate::new(200).set_body_json(json!({"errors": "too much"})), "too much"),
        (ResponseTemplate::new(200).set_body_json(json!({})), "no data"),
        (ResponseTemplate::new(200).set_body_string("<html>"), "not Datadog's"),
    ] {
        let error = answered(answer).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[test]
fn a_wrong_configuration_is_refused() {
    let refused = |change: &dyn Fn(&mut DatadogConfig), text: &str| {
        let mut config = DatadogConfig::new(Secret::new("s3cret"), Secret::new("s3cret"));
        assert!(!format!("{config:?}").contains("s3cret"));
        change(&mut config);
        let error = config.build(clock_at(0)).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(text), "{error}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    };
    refused(&|config| config.site = "evil.example/x?".to_owned(), "site");
    refused(&|config| config.url = Some("http://s3cret@proxy".to_owned()), "credentials");
    refused(&|config| config.api_key = Secret::new(""), "api_key");
    refused(&|config| config.application_key = Secret::new("s3cret\n"), "application_key");
    refused(&|config| config.metrics.clear(), "metrics");
    refused(&|config| config.tags.track = "a,b".into(), "a,b");
    refused(&|config| config.max_response_bytes = 0, "max_response_bytes");
    let mine = |query: &str, scale| {
        let metric = DatadogMetric::Value { query: query.to_owned(), scale };
        move |config: &mut DatadogConfig| {
            config.metrics.insert(name("mine"), metric.clone());
        }
    };
    refused(&mine("avg:x{*}", 1.0), "mine");
    refused(&mine("avg:x{service:{service}}", f64::NAN), "scale");
    let unknown = r#"{"api_key": "a", "application_key": "b", "sites": 1}"#;
    assert!(serde_json::from_str::<DatadogConfig>(unknown).is_err());
}
