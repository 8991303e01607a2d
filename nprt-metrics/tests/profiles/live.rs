//! Proxies that run: what they count of requests whose ends are known.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use nprt_core::model::{BlockData, Track};
use nprt_http::ClientConfig;
use nprt_testkit::{Envoy, Traefik, need};
use reqwest::Client;

use crate::world::{Discovery, TRACKS, World, discovered, discovering, measured};

const STABLE: &str = "web-stable";
const CANARY: &str = "web-canary";
/// Another service, whose name begins with that of ours.
const OTHER: &str = "web-api";

/// How long `/slow` takes, and how long a client waits that gives up: shorter than the proxies wait.
const SLOW: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_millis(200);

/// A service that answers in each way.
async fn service() -> SocketAddr {
    let slow = async || {
        tokio::time::sleep(SLOW).await;
        "slow"
    };
    let never = async || std::future::pending::<&str>().await;
    let grpc = async |code: &'static str| ([("grpc-status", code)], "");
    let router = Router::new()
        .route("/fast", get(async || "fast"))
        .route("/slow", get(slow))
        .route("/missing", get(async || StatusCode::NOT_FOUND))
        .route("/failing", get(async || StatusCode::SERVICE_UNAVAILABLE))
        .route("/never", get(never))
        .route("/grpc-ok", get(move || grpc("0")))
        .route("/grpc-unavailable", get(move || grpc("14")));
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, router).await });
    address
}

/// Our two Services, and another.
async fn servers() -> [(&'static str, SocketAddr); 3] {
    let service = service().await;
    [STABLE, CANARY, OTHER].map(|name| (name, service))
}

/// Asks a proxy.
struct Caller {
    client: Client,
    url: String,
}

impl Caller {
    fn new(url: String) -> Self {
        Self { client: nprt_http::client(&ClientConfig::default()).unwrap(), url }
    }

    /// The status of so many requests to the backend, which must be the same.
    async fn ask(&self, backend: &str, times: usize, path: &str, status: u16) {
        for _ in 0..times {
            let request = self.client.get(format!("{}{path}", self.url)).header("backend", backend);
            let request = if path.starts_with("/grpc") {
                request.header("content-type", "application/grpc")
            } else {
                request
            };
            assert_eq!(request.send().await.unwrap().status(), status, "{path} of {backend}");
        }
    }

    /// A request whose client does not wait for the answer.
    async fn give_up(&self, backend: &str) {
        let request = self.client.get(format!("{}/never", self.url)).header("backend", backend);
        assert!(request.timeout(PATIENCE).send().await.unwrap_err().is_timeout());
    }

    /// 14 requests of each track that end in time, two of them slow, one that does not, and many of another service.
    async fn ask_all(&self) {
        for backend in [STABLE, CANARY] {
            self.ask(backend, 10, "/fast", 200).await;
            self.ask(backend, 2, "/slow", 200).await;
            self.ask(backend, 1, "/missing", 404).await;
            self.ask(backend, 1, "/failing", 503).await;
            self.ask(backend, 1, "/never", 504).await;
        }
        self.ask(OTHER, 30, "/fast", 200).await;
    }

    /// What `url` exposes as soon as it has all of `parts`.
    async fn exposed(&self, url: &str, parts: &[&str]) -> String {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let text = self.client.get(url).send().await.unwrap().text().await.unwrap();
            let Some(part) = parts.iter().find(|part| !text.contains(**part)) else { return text };
            assert!(Instant::now() < deadline, "{url} never said {part}:\n{text}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Checks what each minute had, which is four times what the proxy counted.
async fn has(world: &World, requests: (u64, u64), of: &[(&str, u64)], timed: (u64, u64)) {
    for track in TRACKS {
        let BlockData::Requests { requests: all, errors } = measured(world, "requests").await[&track] else {
            panic!()
        };
        assert_eq!((all, errors), (4 * requests.0, 4 * requests.1), "{track}");
        let BlockData::Classes(classes) = &measured(world, "errors").await[&track] else { panic!() };
        let expected = of.iter().map(|(class, count)| ((*class).to_owned(), 4 * count)).collect();
        assert_eq!(*classes, expected, "{track}");
        slow_ones_are_above(world, track, timed).await;
    }
}

/// Of all that were timed, the slow ones are in buckets above the edge before [`SLOW`]; the fast ones may be anywhere.
async fn slow_ones_are_above(world: &World, track: Track, (all, slow): (u64, u64)) {
    let BlockData::Histogram { edges, counts } = &measured(world, "latency").await[&track] else { panic!() };
    assert_eq!(counts.iter().sum::<u64>(), 4 * all, "{track}: {edges:?} {counts:?}");
    let below = edges.iter().filter(|edge| **edge < PATIENCE.as_secs_f64()).count();
    assert!(counts[below..].iter().sum::<u64>() >= 4 * slow, "{track}: {edges:?} {counts:?}");
}

/// The proxy as the page's discovery finds it.
fn found(text: String, label: (&str, &str)) -> Discovery {
    vec![(discovered(None, &[label]), text)]
}

#[tokio::test]
async fn envoy() {
    let Some(proxy) = need(Envoy::start(&servers().await).await) else { return };
    let caller = Caller::new(proxy.url());
    caller.ask_all().await;
    for backend in [STABLE, CANARY] {
        caller.give_up(backend).await;
        caller.ask(backend, 1, "/grpc-unavailable", 200).await;
    }
    let timed = [STABLE, CANARY, OTHER].map(|name| {
        let count = if name == OTHER { 30 } else { 15 };
        format!(
            "envoy_cluster_upstream_rq_time_count{{envoy_cluster_name=\"outbound|80||{name}\"}} {count}\n"
        )
    });
    let text = caller.exposed(&proxy.metrics(), &timed.each_ref().map(String::as_str)).await;
    let port = ("__meta_kubernetes_pod_container_port_name", "metrics");
    let Some(world) = discovering("envoy", found(text, port)).await else { return };
    // What it gave up itself has a code, and no time. What the client gave up has neither. What failed by gRPC is a 200.
    has(&world, (16, 2), &[("503", 1), ("504", 1)], (15, 2)).await;
}

#[tokio::test]
async fn traefik() {
    let Some(proxy) = need(Traefik::start(&servers().await).await) else { return };
    let caller = Caller::new(proxy.url());
    caller.ask_all().await;
    let mut counted = Vec::new();
    for backend in [STABLE, CANARY] {
        caller.give_up(backend).await;
        caller.ask(backend, 2, "/grpc-ok", 200).await;
        caller.ask(backend, 3, "/grpc-unavailable", 200).await;
        // It counts a request after it has answered.
        for (code, protocol, count) in [(499, "http", 1), (14, "grpc", 3)] {
            let labels =
                format!("code=\"{code}\",method=\"GET\",protocol=\"{protocol}\",service=\"{backend}@file\"");
            counted.push(format!("traefik_service_requests_total{{{labels}}} {count}\n"));
        }
    }
    let parts: Vec<&str> = counted.iter().map(String::as_str).collect();
    let text = caller.exposed(&proxy.metrics(), &parts).await;
    let of = ("__meta_kubernetes_pod_label_app_kubernetes_io_name", "traefik");
    let Some(world) = discovering("traefik", found(text, of)).await else { return };
    // What the client gave up is counted as 499, with the time that it waited.
    has(&world, (21, 5), &[("503", 1), ("504", 1), ("grpc 14", 3)], (16, 3)).await;
}
