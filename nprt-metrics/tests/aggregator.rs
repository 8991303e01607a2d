//! An aggregator in another process: its endpoint behind a real HTTP server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(all(feature = "aggregator", feature = "statsd"))]

mod support;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use nprt_core::conformance::metrics::{self, Recorded};
use nprt_core::model::{Block, BlockData, BlockShape, ServiceName, Track};
use nprt_core::ports::{LeftOutReason, MetricsBackend, MetricsCapabilities};
use nprt_core::wrap::{Backoff, Retry};
use nprt_core::{Error, ErrorKind};
use nprt_memory::{ManualClock, MemoryMetrics, Origin};
use nprt_metrics::aggregator::{AggregatorConfig, Endpoint, RemoteAggregator};
use nprt_metrics::statsd::{Aggregator, StatsdConfig};
use support::{MINUTE, clock_at, go_to, name, query};

const TOKEN: &str = "correct-horse-battery";

/// A server on loopback, and what it was asked.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
struct Shared {
    endpoint: Endpoint,
    asked: Arc<Mutex<Vec<String>>>,
}

async fn answer(State(shared): State<Shared>, request: Request) -> axum::response::Response {
    let (path, query) =
        (request.uri().path().to_owned(), request.uri().query().unwrap_or_default().to_owned());
    shared.asked.lock().unwrap().push(format!("{path}?{query}"));
    let token = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
    if token != Some(format!("Bearer {TOKEN}")) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let reply = shared.endpoint.answer(&path, &query).await;
    (StatusCode::from_u16(reply.status).unwrap(), reply.body).into_response()
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn server(backend: Arc<dyn MetricsBackend>, clock: Arc<ManualClock>) -> Server {
    let asked = Arc::default();
    let shared = Shared { endpoint: Endpoint::new(backend, clock), asked: Arc::clone(&asked) };
    Server { url: serve(Router::new().fallback(answer).with_state(shared)).await, asked }
}

fn client(url: &str) -> RemoteAggregator {
    AggregatorConfig::new(url, TOKEN).build().unwrap()
}

fn fresh(clock: &Arc<ManualClock>) -> Arc<Aggregator> {
    Arc::new(Aggregator::new(&StatsdConfig::default(), clock.clone()).unwrap())
}

/// A minute of one pod, and the blocks that must come of it.
fn send(to: &Aggregator, minute: i64, track: Track, pod: &str) -> Vec<Block> {
    let tags = format!("#service:shop,track:{track},version:v1,pod:{pod}");
    for line in [
        "request.latency:250|ms",
        "request.latency:125|ms",
        "request.count:7|c",
        "request.errors:2|c",
        "process.cpu:0.5|g",
    ] {
        let tags = if line.starts_with("request.errors") { format!("{tags},error:Io") } else { tags.clone() };
        to.ingest(format!("{line}|{tags}").as_bytes());
    }
    let block = |metric: &str, data| Block {
        minute: MINUTE + minute,
        track,
        version: Some("v1".to_owned()),
        pod: Some(pod.to_owned()),
        route: None,
        metric: name(metric),
        data,
    };
    vec![
        block("latency", BlockData::Samples(vec![0.25, 0.125])),
        block("requests", BlockData::Requests { requests: 7, errors: 2 }),
        block("errors", BlockData::Classes([("Io".to_owned(), 2)].into())),
        block("cpu", BlockData::Value(0.5)),
    ]
}

#[tokio::test]
async fn conforms() {
    let clock = clock_at(0);
    let aggregator = fresh(&clock);
    let mut recorded = Recorded { service: ServiceName::new("shop").unwrap(), blocks: Vec::new() };
    // Minute 0 was not heard from its start, minutes 2 and 5 to 8 are gaps, minute 13 still runs.
    for minute in [0, 1, 3, 4, 9, 12, 13] {
        go_to(&clock, minute);
        for (track, pod) in [(Track::Canary, "c"), (Track::Stable, "s")] {
            let mut blocks = send(&aggregator, minute, track, pod);
            // Routes are told where a client tells them.
            let line =
                format!("request.latency:1|ms|#service:shop,track:{track},version:v1,pod:{pod},route:/cart");
            aggregator.ingest(line.as_bytes());
            let mut routed = blocks[0].clone();
            (routed.route, routed.data) = (Some("/cart".to_owned()), BlockData::Samples(vec![0.001]));
            blocks.push(routed);
            if (1..13).contains(&minute) {
                recorded.blocks.extend(blocks);
            }
        }
    }
    let backend = client(&server(aggregator, clock.clone()).await.url);
    assert_eq!(backend.known_since().await.unwrap().unwrap().as_second(), (MINUTE + 1) * 60);
    let reopened = client(&server(fresh(&clock), clock.clone()).await.url);
    metrics::all(&backend, &reopened, &recorded).await;
    let wrapped = |backend| Retry::new(backend, Backoff::default(), clock.clone());
    metrics::all(&wrapped(backend), &wrapped(reopened), &recorded).await;
}

#[test]
fn capabilities() {
    let shapes = [BlockShape::Samples, BlockShape::Value, BlockShape::Requests, BlockShape::Classes];
    let shapes = BTreeSet::from(shapes);
    let expected = MetricsCapabilities { metrics: None, shapes, history: false, pods: true, routes: true };
    assert_eq!(client("http://127.0.0.1:1").capabilities(), expected);
}

#[tokio::test]
async fn what_was_refused_is_told() {
    let clock = clock_at(0);
    let mut config = StatsdConfig::default();
    config.limits.memory_bytes = 64 << 10;
    config.services.insert(ServiceName::new("shop").unwrap());
    let aggregator = Arc::new(Aggregator::new(&config, clock.clone()).unwrap());
    go_to(&clock, 1);
    for pod in 0..1000 {
        let line = format!("request.latency:1|ms|#service:shop,track:canary,pod:p{pod}");
        aggregator.ingest(line.as_bytes());
    }
    go_to(&clock, 3);
    let backend = client(&server(aggregator.clone(), clock.clone()).await.url);
    let range = query("latency", 0, 9).range;
    let shop = ServiceName::new("shop").unwrap();
    let lost = backend.lost(&shop, range).await.unwrap();
    assert_eq!(lost, aggregator.lost(&shop, range).await.unwrap());
    assert_eq!(lost.len(), 1);
    assert!((1..1000).contains(&lost[0].lines), "{lost:?}");
    let error = backend.lost(&ServiceName::new("cart").unwrap(), range).await.unwrap_err();
    assert!(error.is_invalid() && error.available() == ["shop"], "{error}");
    // An aggregator of before this question was asked.
    let old = serve(
        Router::new()
            .fallback(async || (StatusCode::NOT_FOUND, r#"{"version": 1, "error": "no such path"}"#)),
    )
    .await;
    assert_eq!(client(&old).lost(&shop, range).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_much_comes_in_several_answers() {
    let clock = clock_at(0);
    let aggregator = fresh(&clock);
    let packed = vec!["0.123456789012345"; 2_000].join(":");
    for minute in 1..40 {
        go_to(&clock, minute);
        for pod in 0..4 {
            let line = format!("request.latency:{packed}|d|#service:shop,track:stable,pod:{pod}");
            aggregator.ingest(line.as_bytes());
        }
    }
    go_to(&clock, 40);
    let server = server(aggregator.clone(), clock.clone()).await;
    let all = query("latency", 0, 1_000_000);
    let blocks = client(&server.url).blocks(&all).await.unwrap().blocks;
    assert_eq!((blocks.len(), &blocks), (39 * 4, &aggregator.blocks(&all).await.unwrap().blocks));
    let asked = server.asked.lock().unwrap().clone();
    assert!(asked.len() > 1, "{asked:?}");
    let small = AggregatorConfig { max_response_bytes: 100_000, ..AggregatorConfig::new(&server.url, TOKEN) };
    let error = small.build().unwrap().blocks(&all).await.unwrap_err();
    assert!(error.to_string().contains("limit"), "{error}");
}

#[tokio::test]
async fn no_answer_of_anybody_else_is_taken_for_one() {
    let clock = clock_at(5);
    let real = server(fresh(&clock), clock.clone()).await;
    let failed = async |backend: RemoteAggregator| -> [Error; 2] {
        [backend.blocks(&query("latency", 0, 4)).await.unwrap_err(), backend.known_since().await.unwrap_err()]
    };
    for error in failed(AggregatorConfig::new(&real.url, "hunter2-hunter2").build().unwrap()).await {
        assert!(
            error.kind() == ErrorKind::Unauthenticated && !format!("{error:?}").contains("hunter2"),
            "{error}"
        );
    }
    for error in failed(client("http://127.0.0.1:1")).await {
        assert!(error.is_temporary(), "{error}");
    }
    let block = |minute: i64, metric: &str| {
        format!(r#"{{"minute":{},"track":"stable","metric":"{metric}","value":1}}"#, MINUTE + minute)
    };
    let blocks = |blocks: &[String], next: &str| {
        format!(r#"{{"version":1,"known_since":null,"blocks":[{}],"next":{next}}}"#, blocks.join(","))
    };
    for (what, body) in [
        ("a page", "<html>".to_owned()),
        ("another version", r#"{"version":2,"blocks":[],"next":null,"known_since":0}"#.to_owned()),
        ("another time", blocks(&[block(9, "latency")], "null")),
        ("another metric", blocks(&[block(1, "cpu")], "null")),
        ("twice", blocks(&[block(1, "latency"), block(1, "latency")], "null")),
        ("no order", blocks(&[block(2, "latency"), block(1, "latency")], "null")),
        ("it does not go on", blocks(&[], &(MINUTE - 1).to_string())),
        ("not finite", blocks(&[block(1, "latency").replace(":1}", ":1e999}")], "null")),
    ] {
        let said = body.clone();
        let url = serve(Router::new().fallback(async move || said)).await;
        let error = client(&url).blocks(&query("latency", 0, 4)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{what}: {error}");
    }
    let url = serve(Router::new().fallback(async || (StatusCode::NOT_FOUND, "a proxy"))).await;
    for error in failed(client(&url)).await {
        assert_eq!(
            error.kind(),
            ErrorKind::Unexpected,
            "nobody may take it for a metric that is not there: {error}"
        );
    }
}

#[tokio::test]
async fn an_endpoint_answers_what_cannot_be_answered_with_why() {
    let clock = clock_at(5);
    let endpoint = Endpoint::new(fresh(&clock), clock.clone());
    for (path, query, status, said) in [
        ("/v1/blocks", "", 400, "service"),
        ("/v1/blocks", "service=shop&metric=latency&from=0&to=x", 400, "to"),
        ("/v1/blocks", "service=shop&metric=disk&from=0&to=1", 404, "latency"),
        ("/v2/blocks", "", 404, "v1/known-since"),
        ("/v1/known-since", "", 200, "known_since"),
    ] {
        let reply = endpoint.answer(path, query).await;
        let body = String::from_utf8(reply.body).unwrap();
        assert!(reply.status == status && body.contains(said), "{path}?{query}: {} {body}", reply.status);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&body).unwrap()["version"], 1);
    }
    assert!(AggregatorConfig::new("http://me:hunter2@h", TOKEN).build().unwrap_err().is_invalid());
    let config = AggregatorConfig { max_response_bytes: 0, ..AggregatorConfig::new("http://h", TOKEN) };
    assert!(config.build().unwrap_err().is_invalid());
}

#[tokio::test]
async fn what_was_left_out_and_the_evidence_go_over_the_wire() {
    let clock = clock_at(5);
    let (memory, shop) = (MemoryMetrics::new(clock.clone()), ServiceName::new("shop").unwrap());
    let at = |minute: i64| jiff::Timestamp::from_second((MINUTE + minute) * 60).unwrap();
    for minute in [0, 2, 3] {
        let canary = Origin::new(Track::Canary);
        memory.record(&shop, "cpu", at(minute), &canary, BlockData::Value(0.5)).unwrap();
        let reason = (LeftOutReason::Negative, 2);
        memory.leave_out(&shop, "cpu", at(minute), Some(Track::Canary), reason).unwrap();
    }
    memory.leave_out(&shop, "cpu", at(1), None, (LeftOutReason::NoTrack, 1)).unwrap();
    let told = memory.blocks(&query("cpu", 0, 4)).await.unwrap();
    let backend = client(&server(Arc::new(memory), clock.clone()).await.url);
    let asked = backend.blocks(&query("cpu", 0, 4)).await.unwrap();
    assert_eq!((asked.left_out.len(), asked.left_out.iter().map(|left| left.points).sum::<u64>()), (4, 7));
    assert_eq!(asked, told);

    // One from before says none of this.
    let old = r#"{"version":1,"known_since":null,"blocks":[],"next":null}"#;
    let url = serve(Router::new().fallback(async move || old)).await;
    let none = client(&url).blocks(&query("cpu", 0, 4)).await.unwrap();
    assert_eq!(none, nprt_core::ports::Measured::default());
    let strange =
        r#"{"version":1,"blocks":[],"next":null,"left_out":[{"reason":"x","minute":7,"points":1}]}"#;
    let url = serve(Router::new().fallback(async move || strange)).await;
    let error = client(&url).blocks(&query("cpu", 0, 4)).await.unwrap_err();
    assert!(error.to_string().contains("a minute that was not asked for"), "{error}");
}

#[tokio::test]
async fn only_an_aggregator_says_that_a_metric_is_not_configured() {
    let clock = clock_at(5);
    let real = client(&server(fresh(&clock), clock.clone()).await.url);
    let error = real.blocks(&query("disk", 0, 4)).await.unwrap_err();
    assert!(error.is_not_configured() && error.available().contains(&"latency".to_owned()), "{error}");
    for said in [
        r#"{"version":1,"error":"no such metric","available":["cpu"]}"#,
        r#"{"version":1,"error":"no such metric","available":["cpu"],"reason":"of-tomorrow"}"#,
        r#"{"error":"not-configured"}"#,
        "404 page not found",
        "",
    ] {
        let url = serve(Router::new().fallback(async move || (StatusCode::NOT_FOUND, said))).await;
        let error = client(&url).blocks(&query("disk", 0, 4)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{said}: {error}");
    }
}
