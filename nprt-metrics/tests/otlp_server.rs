//! What a real application with OpenTelemetry's SDK sends, by HTTP, against what it measured.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it expects, and what it found"
)]
#![cfg(feature = "otlp")]

mod support;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use jiff::SignedDuration;
use nprt_core::clock::ManualClock;
use nprt_core::clock::SystemClock;
use nprt_core::model::{Block, BlockData, ServiceName, TimeRange, Track};
use nprt_core::ports::{Clock, Measured, MetricQuery, MetricsBackend, Versions};
use nprt_metrics::otlp::{OtlpConfig, OtlpReceiver};
use nprt_metrics::statsd::{Aggregator, StatsdConfig};
use serde_json::{Value, json};
use support::name;

/// An application; it ends with its input.
struct Producer(Child, BufReader<std::process::ChildStdout>);

impl Producer {
    fn start() -> Option<Self> {
        Self::with(&[])
    }

    /// One with these variables in its environment.
    fn with(environment: &[(String, String)]) -> Option<Self> {
        let python = nprt_testkit::need(nprt_testkit::tool("python"))?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/otlp_producer.py");
        let mut command = Command::new(python);
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Some(Self(child, output))
    }

    /// Has it do something, and export what it measured.
    fn tell(&mut self, what: &Value) {
        writeln!(self.0.stdin.as_mut().unwrap(), "{what}").unwrap();
        let mut answer = String::new();
        self.1.read_line(&mut answer).unwrap();
        assert_eq!(answer, "ok\n");
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server with a clock that stands where the producers' does.
struct World {
    clock: Arc<ManualClock>,
    aggregator: Arc<Aggregator>,
    endpoint: String,
    /// That of the last request.
    authorization: Arc<Mutex<String>>,
}

type Shared = (Arc<OtlpReceiver>, Arc<Mutex<String>>);

async fn answer(
    State((receiver, authorization)): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Vec<u8>) {
    let header = |name| headers.get(name).map(|value: &axum::http::HeaderValue| value.to_str().unwrap());
    *authorization.lock().unwrap() = header(AUTHORIZATION).unwrap_or_default().to_owned();
    let reply = receiver.answer(header(CONTENT_TYPE), header(CONTENT_ENCODING), &body);
    // A producer that is not understood must not pass for one.
    assert!(reply.status == 200 && reply.body.is_empty(), "{reply:?}");
    (StatusCode::OK, reply.body)
}

impl World {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock.now() - SignedDuration::from_secs(60)));
        let otlp = OtlpConfig::default();
        let config = StatsdConfig { otlp: Some(otlp.clone()), ..StatsdConfig::default() };
        let aggregator = Arc::new(Aggregator::new(&config, clock.clone()).unwrap());
        clock.advance(Duration::from_secs(60));
        let receiver = Arc::new(OtlpReceiver::new(&otlp, Arc::clone(&aggregator)).unwrap());
        let authorization = Arc::<Mutex<String>>::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/v1/metrics", listener.local_addr().unwrap());
        let routes = Router::new()
            .route("/v1/metrics", post(answer))
            .with_state((receiver, Arc::clone(&authorization)));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { clock, aggregator, endpoint, authorization }
    }

    fn start(&self, track: Track, temporality: &str, is_exponential: bool) -> Value {
        let resource = json!({
            "service.name": "shop", "service.version": "v7", "track": track.as_str(),
            "k8s.pod.name": format!("web-{track}-0"),
        });
        json!({
            "endpoint": self.endpoint, "resource": resource, "temporality": temporality,
            "exponential": is_exponential,
        })
    }

    /// What is known of the minute that ends now.
    async fn ended(&self, metric: &str) -> Measured {
        let end = self.clock.now();
        let range = TimeRange::new(end - SignedDuration::from_secs(120), end).unwrap();
        let (service, metric) = (ServiceName::new("shop").unwrap(), name(metric));
        self.aggregator
            .blocks(&MetricQuery { service, metric, range, versions: Versions::default() })
            .await
            .unwrap()
    }
}

/// Latencies from 6 ms to 3 s, more of them short.
fn latencies(count: u32, factor: f64) -> Vec<f64> {
    (0..count).map(|i| 0.006 * factor * 500_f64.powf((f64::from(i) / f64::from(count)).powi(2))).collect()
}

fn quantile(samples: &mut [f64], percent: usize) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[(samples.len() - 1) * percent / 100]
}

fn attributes(code: u32, error: &str) -> Value {
    let mut attributes =
        json!({"http.route": "/cart", "http.request.method": "GET", "http.response.status_code": code});
    if !error.is_empty() {
        attributes["error.type"] = error.into();
    }
    attributes
}

fn of(measured: &Measured, track: Track) -> Vec<&Block> {
    measured.blocks.iter().filter(|block| block.track == track).collect()
}

/// Both tracks over two exports, a restart of the canary between them, and the truth.
async fn compared(temporality: &str, is_exponential: bool, most_error: f64) {
    let Some(mut stable) = Producer::start() else { return };
    let mut canary = Producer::start().unwrap();
    let world = World::new().await;
    let fast = latencies(2_000, 1.0);
    let slow = latencies(400, 1.3);
    let (ok, broken, slow_down) =
        (attributes(200, ""), attributes(500, "KeyError"), attributes(503, "Timeout"));
    stable.tell(&json!({"start": world.start(Track::Stable, temporality, is_exponential), "record": [[ok, fast[..900]], [broken, [9.0]]]}));
    canary.tell(&json!({"start": world.start(Track::Canary, temporality, is_exponential), "record": [[ok, slow[..200]]]}));
    stable.tell(&json!({"record": [[ok, fast[900..]]]}));
    // A restart of the process, and errors that it did not have before.
    canary.tell(&json!({"start": world.start(Track::Canary, temporality, is_exponential), "record": [[ok, slow[200..300]]]}));
    canary.tell(&json!({"record": [[ok, slow[300..]], [broken, [0.1, 0.1]], [slow_down, [8.0]]]}));
    canary.tell(&json!({}));

    world.clock.advance(Duration::from_secs(60));
    let latency = world.ended("latency").await;
    let error = latency.evidence.quantile_error.unwrap();
    assert!(error <= most_error, "{error}");
    for (track, truth) in [(Track::Stable, fast), (Track::Canary, slow)] {
        let blocks = of(&latency, track);
        let [Block { data: BlockData::Samples(samples), .. }] = blocks[..] else { panic!("{blocks:?}") };
        assert_eq!((samples.len(), blocks[0].version.as_deref()), (truth.len(), Some("v7")));
        assert_eq!(blocks[0].pod.as_deref(), Some(&*format!("web-{track}-0")));
        for percent in [25, 50, 90, 95, 99] {
            let (answered, truth) =
                (quantile(&mut samples.clone(), percent), quantile(&mut truth.clone(), percent));
            let off = (answered - truth).abs() / truth;
            println!(
                "{temporality} {track} p{}: {answered:.4} for {truth:.4}, {:.1} % off",
                percent,
                off * 100.0
            );
            assert!(off <= error, "{temporality} {track} {percent}: {answered} for {truth}, {error}");
        }
    }
    let requests = world.ended("requests").await;
    let counted = |track| of(&requests, track)[0].data.clone();
    assert_eq!(counted(Track::Stable), BlockData::Requests { requests: 2_001, errors: 1 });
    assert_eq!(counted(Track::Canary), BlockData::Requests { requests: 403, errors: 3 });
    let errors = world.ended("errors").await;
    let classes = |all: &[(&str, u64)]| {
        BlockData::Classes(all.iter().map(|(class, n)| ((*class).to_owned(), *n)).collect::<BTreeMap<_, _>>())
    };
    assert_eq!(of(&errors, Track::Stable)[0].data, classes(&[("KeyError", 1)]));
    assert_eq!(of(&errors, Track::Canary)[0].data, classes(&[("KeyError", 2), ("Timeout", 1)]));
    let memory = world.ended("memory").await;
    assert_eq!(of(&memory, Track::Canary)[0].data, BlockData::Value(123_456_789.0));
    for measured in [latency, requests, errors, memory] {
        assert_eq!(measured.left_out, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cumulative_histogram() {
    compared("CUMULATIVE", false, 0.5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delta_histogram() {
    compared("DELTA", false, 0.5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cumulative_exponential_histogram() {
    compared("CUMULATIVE", true, 0.0217).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delta_exponential_histogram() {
    compared("DELTA", true, 0.0217).await;
}

/// The variables of the page, which SDKs are set up by.
#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_set_up_as_the_page_says() {
    let world = World::new().await;
    let page = include_str!("../../docs/metrics.md");
    let (_, section) = page.split_once("\n## OpenTelemetry without Prometheus\n").unwrap();
    let (block, rest) = section.split_once("```sh\n").unwrap().1.split_once("```").unwrap();
    let inline = rest.split('`').filter(|code| code.starts_with("OTEL_") && code.contains('='));
    // An entry of the pod's environment, the last one: it refers to those above.
    let (above, attributes_of) = rest.split_once("- name: OTEL_RESOURCE_ATTRIBUTES\n  value: ").unwrap();
    assert!(["TRACK", "VERSION", "POD"].iter().all(|name| above.contains(&format!("- {{name: {name},"))));
    let (attributes_of, after) = attributes_of.split_once('\n').unwrap();
    assert!(after.starts_with("```"), "{after}");
    let attributes_of = format!("OTEL_RESOURCE_ATTRIBUTES={attributes_of}");
    let variables: Vec<(String, String)> = block
        .lines()
        .chain([attributes_of.as_str()])
        .chain(inline)
        .map(|line| {
            let (name, value) = line.split_once('=').unwrap();
            let value = value.split_once(" #").map_or(value, |(value, _)| value).trim().trim_matches('\'');
            let value = value.replace("http://deployer:4318/v1/metrics", &world.endpoint);
            let value = value.replace("$(VERSION)", "v8").replace("$(TRACK)", "canary");
            (name.to_owned(), value.replace("$(POD)", "web-canary-0"))
        })
        .collect();
    assert_eq!(variables.len(), 8, "{variables:?}");
    let Some(mut producer) = Producer::with(&variables) else { return };
    producer.tell(&json!({"start": {}, "record": [[attributes(200, ""), latencies(100, 1.0)]]}));
    world.clock.advance(Duration::from_secs(60));
    let latency = world.ended("latency").await;
    let blocks = of(&latency, Track::Canary);
    let place = (blocks[0].version.as_deref(), blocks[0].pod.as_deref());
    assert_eq!((blocks.len(), place), (1, (Some("v8"), Some("web-canary-0"))));
    // An exponential histogram, as one of them says.
    assert!(latency.evidence.quantile_error.unwrap() < 0.03, "{latency:?}");
    assert_eq!(*world.authorization.lock().unwrap(), "Bearer the-token");
}
