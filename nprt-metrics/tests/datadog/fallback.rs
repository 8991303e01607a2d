//! Version 1 where version 2 is not there.

use nprt_core::ErrorKind;
use nprt_core::ports::MetricsBackend;
use nprt_metrics::datadog::DatadogApi;
use serde_json::json;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::answers::config;
use crate::support::{MINUTE, clock_at, query};

fn not_found() -> ResponseTemplate {
    ResponseTemplate::new(404).set_body_json(json!({"errors": ["Not found"]}))
}

async fn answers(fake: &MockServer, verb: &str, address: &str, answer: ResponseTemplate) {
    Mock::given(method(verb)).and(path(address)).respond_with(answer).mount(fake).await;
}

const V1: &str = "/api/v1/query";
const V2: &str = "/api/v2/query/timeseries";

#[tokio::test]
async fn version_1_is_asked_where_version_2_is_not_there() {
    let fake = MockServer::start().await;
    answers(&fake, "POST", V2, not_found()).await;
    let row = json!({"tag_set": ["track:canary"], "interval": 60, "pointlist": [[MINUTE * 60_000, 7.0]]});
    let body = json!({"status": "ok", "series": [row]});
    answers(&fake, "GET", V1, ResponseTemplate::new(200).set_body_json(body)).await;
    let measured =
        config(&fake.uri()).build(clock_at(9)).unwrap().blocks(&query("memory", 0, 4)).await.unwrap();
    assert_eq!(measured.blocks.len(), 1);
    assert!(measured.notes[0].contains("api/v1/query was asked"), "{:?}", measured.notes);
    // A query of two, requests and errors, is two requests.
    let both =
        config(&fake.uri()).build(clock_at(9)).unwrap().blocks(&query("requests", 0, 4)).await.unwrap();
    assert_eq!(both.blocks.len(), 1);
    let asked = fake.received_requests().await.unwrap();
    assert_eq!(asked.iter().filter(|request| request.url.path() == V1).count(), 3);
}

#[tokio::test]
async fn no_other_refusal_asks_again() {
    // The same permission is asked for by both versions, and a limit of requests is no reason for more.
    for status in [400, 401, 403, 429, 500, 503] {
        let fake = MockServer::start().await;
        answers(&fake, "POST", V2, ResponseTemplate::new(status)).await;
        config(&fake.uri()).build(clock_at(9)).unwrap().blocks(&query("cpu", 0, 4)).await.unwrap_err();
        assert_eq!(fake.received_requests().await.unwrap().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn neither_is_there() {
    let fake = MockServer::start().await;
    answers(&fake, "POST", V2, not_found()).await;
    answers(&fake, "GET", V1, not_found()).await;
    for api in [DatadogApi::Auto, DatadogApi::V1, DatadogApi::V2] {
        let mut config = config(&fake.uri());
        config.api = api;
        let error = config.build(clock_at(9)).unwrap().blocks(&query("cpu", 0, 4)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.is_temporary() && error.to_string().contains("Not found"), "{error}");
    }
    // What version 1 says of the query is more to the point.
    let fake = MockServer::start().await;
    answers(&fake, "POST", V2, not_found()).await;
    let said = json!({"errors": ["Error parsing query"]});
    answers(&fake, "GET", V1, ResponseTemplate::new(400).set_body_json(said)).await;
    let backend = config(&fake.uri()).build(clock_at(9)).unwrap();
    let error = backend.blocks(&query("cpu", 0, 4)).await.unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("parsing"), "{error}");
}

#[tokio::test]
async fn headers_go_along_and_are_not_shown() {
    let fake = MockServer::start().await;
    let body = json!({"data": {"attributes": {"series": [], "times": [], "values": []}}});
    Mock::given(method("POST"))
        .and(header("x-scope-orgid", "s3cret-tenant"))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .mount(&fake)
        .await;
    let mut config = config(&fake.uri());
    config.headers.insert("X-Scope-OrgID".to_owned(), nprt_core::model::Secret::new("s3cret-tenant"));
    let backend = config.build(clock_at(9)).unwrap();
    assert!(!format!("{backend:?}").contains("s3cret"), "{backend:?}");
    assert!(backend.blocks(&query("cpu", 0, 4)).await.unwrap().blocks.is_empty());
}
