//! What the Prometheus backend makes of answers that Debian's Prometheus does not give: warnings, partial answers, refusals and numbers that
//! are none, from a fake.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(feature = "prometheus")]

mod support;

use nprt_core::model::{BlockData, Secret};
use nprt_core::ports::{Measured, MetricsBackend};
use nprt_core::{Error, ErrorKind};
use nprt_metrics::prometheus::{PrometheusAuth, PrometheusConfig};
use serde_json::{Value, json};
use support::{MINUTE, clock_at, query};
use wiremock::matchers::{body_string_contains, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// What the backend makes of an answer.
async fn answered(status: u16, body: &Value) -> Result<Measured, Error> {
    let fake = MockServer::start().await;
    let answer = ResponseTemplate::new(status).set_body_json(body);
    Mock::given(method("POST"))
        .and(path("/sub/api/v1/query_range"))
        .and(body_string_contains("step=60"))
        .respond_with(answer)
        .mount(&fake)
        .await;
    let auth = PrometheusAuth::Basic { username: "nprt".to_owned(), password: Secret::new("s3cret") };
    let config = PrometheusConfig { auth, ..PrometheusConfig::new(format!("{}/sub", fake.uri())) };
    let backend = config.build(clock_at(4)).unwrap();
    backend.blocks(&query("cpu", 0, 4)).await
}

fn matrix(values: &Value) -> Value {
    json!({"status": "success", "data": {"resultType": "matrix", "result": [
        {"metric": {"track": "stable", "pod": ""}, "values": values}]}})
}

#[tokio::test]
async fn odd_answers_are_errors() {
    let end = (MINUTE + 1) * 60;
    let measured = answered(200, &matrix(&json!([[end, "0.5"]]))).await.unwrap();
    let evidence = &measured.evidence;
    assert_eq!((evidence.points, evidence.queries.len(), evidence.resolution.as_secs()), (1, 1, 60));
    assert!(evidence.bytes > 50 && evidence.queries[0].contains("process_cpu_seconds_total"), "{evidence:?}");
    let good = measured.blocks;
    assert_eq!((good.len(), good[0].minute, good[0].pod.as_deref()), (1, MINUTE, None));
    for not_finite in ["NaN", "+Inf", "-Inf"] {
        // One bad point costs itself.
        let rest = answered(200, &matrix(&json!([[end, not_finite], [end + 60, "0.25"]]))).await.unwrap();
        assert_eq!((rest.left_out.len(), rest.left_out[0].minute), (1, Some(MINUTE)), "{not_finite}");
        let rest = rest.blocks;
        assert_eq!((rest.len(), rest[0].minute), (1, MINUTE + 1), "{not_finite}");
    }
    let error = answered(200, &matrix(&json!([[end, "x"]]))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
    assert!(error.to_string().contains("found x") && error.to_string().contains("track"), "{error}");
    let odd = answered(200, &matrix(&json!([[end + 7, "1"]]))).await.unwrap_err();
    assert!(odd.to_string().contains("whole minutes"), "{odd}");
    let native = json!({"status": "success", "data": {"resultType": "matrix", "result": [
        {"metric": {"track": "stable"}, "histograms": [[end, {"count": "1", "sum": "1"}]]}]}});
    assert!(answered(200, &native).await.unwrap_err().to_string().contains("found a native histogram"));
    let vector = json!({"status": "success", "data": {"resultType": "vector", "result": []}});
    assert_eq!(answered(200, &vector).await.unwrap_err().kind(), ErrorKind::Unexpected);
    assert_eq!(answered(200, &json!("<html>")).await.unwrap_err().kind(), ErrorKind::Unexpected);
    let said = json!({"status": "error", "errorType": "bad_data", "error": "parse error"});
    for (status, kind) in [
        (400, ErrorKind::Invalid),
        (401, ErrorKind::Unauthenticated),
        (403, ErrorKind::Forbidden),
        (422, ErrorKind::Invalid),
        (429, ErrorKind::RateLimited),
        (503, ErrorKind::Unavailable),
        // Not that the metric is not there: it is configured.
        (404, ErrorKind::Unavailable),
    ] {
        let error = answered(status, &said).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains("error_type: bad_data"), "{error}");
        assert!(error.to_string().contains("parse error") && !error.to_string().contains("s3cret"));
    }
    let repeated = json!({"status": "error", "errorType": "x", "error": "no such token: s3cret"});
    let error = answered(403, &repeated).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Forbidden && !format!("{error:?}").contains("s3cret"), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_may_be_incomplete_is_an_error() {
    let whole = || matrix(&json!([[(MINUTE + 1) * 60, "0.5"]]));
    let with = async |field: &str, value: Value| {
        let mut body = whole();
        body[field] = value;
        answered(200, &body).await
    };
    for (field, value, said) in [
        // Thanos; a receiver of Mimir's; VictoriaMetrics' cluster.
        ("warnings", json!(["No StoreAPIs matched for this query"]), "No StoreAPIs matched"),
        (
            "warnings",
            json!(["PromQL info: metric might not be a counter", "a store is down"]),
            "a store is down",
        ),
        ("warnings", json!(["PromQL warning: encountered a mix of histograms and floats"]), "a mix"),
        ("isPartial", json!(true), "isPartial: true"),
    ] {
        let error = with(field, value).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
    // Prometheus 2.48 to 2.53, Prometheus 3, and what says that all is well.
    let info = "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"x\" (1:6)";
    for (field, value, notes) in [
        ("warnings", json!([info]), 1),
        ("infos", json!([info]), 1),
        ("warnings", Value::Null, 0),
        ("warnings", json!([]), 0),
        ("isPartial", json!(false), 0),
    ] {
        let measured = with(field, value).await.unwrap();
        assert_eq!(
            (measured.blocks.len(), measured.notes.len()),
            (1, notes),
            "{field}: {:?}",
            measured.notes
        );
    }
    // What the server says of an answer with the status 200.
    for (kind, expected) in [
        ("bad_data", ErrorKind::Invalid),
        ("timeout", ErrorKind::Unavailable),
        ("execution", ErrorKind::Unavailable),
        ("not_found", ErrorKind::Unavailable),
        ("new_in_4", ErrorKind::Unexpected),
    ] {
        let body = json!({"status": "error", "errorType": kind, "error": "1:5: parse error"});
        let error = answered(200, &body).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{error}");
        assert!(
            error.to_string().contains("1:5: parse error") && error.to_string().contains(kind),
            "{error}"
        );
    }
    let repeated = with("warnings", json!(["no such token: s3cret"])).await.unwrap_err();
    assert!(!format!("{repeated:?}").contains("s3cret"), "{repeated:?}");
}

#[tokio::test]
async fn a_long_answer_is_refused() {
    let fake = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_bytes(vec![b' '; 2000]);
    Mock::given(method("POST")).respond_with(answer).mount(&fake).await;
    let mut config = PrometheusConfig::new(fake.uri());
    config.max_response_bytes = 1000;
    let backend = config.build(clock_at(4)).unwrap();
    let error = backend.blocks(&query("cpu", 0, 4)).await.unwrap_err();
    assert!(error.to_string().contains("1000 bytes"), "{error}");
    let long = backend.blocks(&query("cpu", -200_000, 4)).await.unwrap_err();
    assert!(long.is_invalid() && long.to_string().contains("100000 minutes"), "{long}");
}

#[tokio::test]
async fn each_request_has_its_headers_and_the_token_of_now() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "t0ken-1\n").unwrap();
    let fake = MockServer::start().await;
    let said = json!({"status": "error", "errorType": "x", "error": "t0ken-1 of tenant-7 is too old"});
    for (token, status) in [("t0ken-1", 403), ("t0ken-2", 200)] {
        let answer = ResponseTemplate::new(status);
        let answer = answer.set_body_json(if status == 200 { matrix(&json!([])) } else { said.clone() });
        Mock::given(header("authorization", format!("Bearer {token}")))
            .and(header("x-scope-orgid", "tenant-7"))
            .and(body_string_contains("timeout=7.000"))
            .respond_with(answer)
            .mount(&fake)
            .await;
    }
    let settings = json!({
        "url": fake.uri(),
        "auth": {"type": "bearer_file", "path": file},
        "headers": {"X-Scope-OrgID": "tenant-7"},
        "http": {"timeout_seconds": 7},
    });
    let config: PrometheusConfig = serde_json::from_value(settings).unwrap();
    assert!(!format!("{config:?}").contains("tenant-7"), "{config:?}");
    let backend = config.build(clock_at(4)).unwrap();
    let ask = async || backend.blocks(&query("cpu", 0, 4)).await;
    let error = ask().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    assert!(!format!("{error:?} {backend:?}").contains("t0ken") && !error.to_string().contains("tenant-7"));
    std::fs::write(&file, "t0ken-2").unwrap();
    assert_eq!(ask().await.unwrap().blocks.len(), 0);
    for (wrong, said) in
        [(Some(""), "holds no token"), (Some("a b"), "holds no token"), (None, "cannot be read")]
    {
        match wrong {
            Some(text) => std::fs::write(&file, text).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        let error = ask().await.unwrap_err();
        assert!(error.is_temporary() && error.to_string().contains(said), "{error}");
    }
}

/// Some proxies and fakes answer every question with a matrix.
#[tokio::test]
async fn a_size_that_cannot_be_read_is_no_error() {
    let fake = MockServer::start().await;
    let end = (MINUTE + 1) * 60;
    let series = json!({"metric": {"track": "stable", "code": "200"}, "values": [[end, "7"]]});
    let body = json!({"status": "success", "data": {"resultType": "matrix", "result": [series]}});
    let answer = ResponseTemplate::new(200).set_body_json(body);
    Mock::given(method("POST")).respond_with(answer).expect(2).mount(&fake).await;
    let backend = PrometheusConfig::new(fake.uri()).build(clock_at(4)).unwrap();
    let measured = backend.blocks(&query("requests", 0, 4)).await.unwrap();
    assert_eq!(measured.blocks[0].data, BlockData::Requests { requests: 7, errors: 0 });
}
