//! What a canary costs the Prometheus server: the first judgement and each later check, beside the instant queries that Flagger and Argo
//! Rollouts send at each of their checks. 50 pods on 20 routes, 12 buckets, scraped each 15 seconds.
//!
//! It needs `prometheus` and `promtool`, 4 GB of memory and 2 GB in the temporary folder.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a bench prints what it measures"
)]

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nprt::compare::{Policy, Preset};
use nprt::memory::ManualClock;
use nprt::model::{Secret, ServiceName, TimeRange};
use nprt::ports::{MetricQuery, MetricsBackend, Versions};
use nprt::prometheus::{Prometheus, PrometheusAuth, PrometheusConfig};
use nprt_testkit::Prometheus as Server;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The first minute.
const FIRST: i64 = 29_400_000;
const MINUTES: i64 = 140;
/// When the canary starts.
const STARTED: i64 = FIRST + 125;
const PODS: usize = 50;
const CANARIES: usize = 10;
const ROUTES: usize = 20;
const EDGES: [&str; 12] =
    ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf"];

/// Each series grows by a few in each scrape, which differ from pod to pod, route to route and scrape to scrape.
fn openmetrics() -> String {
    let (mut latency, mut requests) = (String::new(), String::new());
    for (pod, route) in (0..PODS).flat_map(|pod| (0..ROUTES).map(move |route| (pod, route))) {
        let track = if pod < CANARIES { "canary" } else { "stable" };
        let labels = format!(
            r#"service="shop",track="{track}",version="main-{track}",job="shop",instance="10.0.0.{pod}:80",pod="shop-{track}-x{pod:04}",route="/api/v1/route-{route}""#
        );
        let first = if track == "canary" { (STARTED - FIRST) * 4 } else { 0 };
        let scrapes = || (first..MINUTES * 4).map(|scrape| (scrape, FIRST * 60 + 15 * scrape + 5));
        for (bucket, le) in (1_i64..).zip(EDGES) {
            let series = format!(r#"http_request_duration_seconds_bucket{{{labels},code="200",le="{le}"}}"#);
            let mut total = 0;
            for (scrape, second) in scrapes() {
                total += bucket + (scrape * 7 + i64::try_from(pod + route).unwrap()) % 3;
                writeln!(latency, "{series} {total} {second}").unwrap();
            }
        }
        for (code, times) in [("200", 13), ("500", 1)] {
            let series = format!(r#"http_requests_total{{{labels},code="{code}"}}"#);
            for (n, (scrape, second)) in (0..).zip(scrapes()) {
                writeln!(
                    requests,
                    "{series} {} {second}",
                    if times == 1 { n / 40 } else { n * times + scrape % 3 }
                )
                .unwrap();
            }
        }
    }
    let types = ["# TYPE http_request_duration_seconds histogram\n", "# TYPE http_requests counter\n"];
    [types[0], &latency, types[1], &requests, "# EOF\n"].concat()
}

/// Passes on what goes to a server, and counts the bytes that come back.
async fn counting(server: String) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, bytes) = (listener.local_addr().unwrap(), Arc::new(AtomicU64::new(0)));
    let counted = Arc::clone(&bytes);
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let (server, counted) = (TcpStream::connect(&server).await.unwrap(), Arc::clone(&counted));
            let ((mut ask, mut answer), (mut answered, mut asked)) =
                (client.into_split(), server.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut ask, &mut asked).await });
            tokio::spawn(async move {
                let mut part = vec![0; 1 << 16];
                while let Ok(read @ 1..) = answered.read(&mut part).await {
                    counted.fetch_add(read as u64, Ordering::Relaxed);
                    if answer.write_all(&part[..read]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (format!("http://{address}"), bytes)
}

struct World {
    server: Server,
    bytes: Arc<AtomicU64>,
    backend: Prometheus,
    policy: Policy,
}

impl World {
    /// The seconds of its processor that the server has used.
    fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.server.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        ticks / 100.0
    }

    /// Runs `work` so often, and prints what one run costs.
    async fn measure(&self, what: &str, times: u32, work: impl AsyncFn() -> usize) {
        // What was before must not leave its garbage to us.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (began, cpu, bytes) = (Instant::now(), self.cpu(), self.bytes.load(Ordering::Relaxed));
        let mut found = 0;
        for _ in 0..times {
            found = work().await;
        }
        let took = began.elapsed();
        // The server collects its garbage a moment later.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let each = f64::from(times);
        println!(
            "{what:44} {:6.2} s {:6.2} CPU-s of the server {:9.1} kB, {found} blocks",
            took.as_secs_f64() / each,
            (self.cpu() - cpu) / each,
            (self.bytes.load(Ordering::Relaxed) - bytes) as f64 / 1e3 / each
        );
    }

    /// The blocks of all metrics in these minutes.
    async fn ask(&self, minutes: std::ops::Range<i64>, metrics: &[nprt::model::MetricName]) -> usize {
        let mut found = 0;
        for metric in metrics {
            let query = MetricQuery {
                service: ServiceName::new("shop").unwrap(),
                metric: metric.clone(),
                range: TimeRange::new(at(minutes.start), at(minutes.end)).unwrap(),
                versions: Versions::default(),
            };
            match self.backend.blocks(&query).await {
                Err(error) if error.is_not_configured() => {}
                answer => found += answer.unwrap().blocks.len(),
            }
        }
        found
    }

    /// What the pipeline asks for at first: stable's past, and the minutes since the start.
    async fn first(&self) -> usize {
        let past = self.policy.history_metrics();
        self.ask(STARTED - i64::from(self.policy.calibration_minutes)..STARTED, &past).await
            + self.ask(STARTED + 1..STARTED + 4, &self.policy.metrics()).await
    }

    /// What it asks for each minute later: that minute, and the two before once more.
    async fn later(&self) -> usize {
        self.ask(STARTED + 9..STARTED + 12, &self.policy.metrics()).await
    }

    /// Sends an instant query as Flagger and Argo do; how many bytes the answer has.
    async fn instant(&self, query: &str) -> usize {
        let mut stream = TcpStream::connect(self.address().as_str()).await.unwrap();
        let body = format!("time={}&query={}", (STARTED + 12) * 60, escaped(query));
        let request = format!(
            "POST /api/v1/query HTTP/1.0\r\nAuthorization: {}\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
            Server::AUTHORIZATION,
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
        answer.len()
    }

    fn address(&self) -> String {
        self.server.url().trim_start_matches("http://").to_owned()
    }
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(minute * 60).unwrap()
}

const SELECT: &str = r#"service="shop",track="canary""#;

#[tokio::main]
async fn main() {
    println!(
        "{} series of latency, {} of requests, {MINUTES} minutes",
        PODS * ROUTES * EDGES.len(),
        2 * PODS * ROUTES
    );
    let server = Server::start(&openmetrics()).await.expect("needs prometheus and promtool");
    let (url, bytes) = counting(server.url().trim_start_matches("http://").to_owned()).await;
    let auth =
        PrometheusAuth::Basic { username: Server::USER.to_owned(), password: Secret::new(Server::PASSWORD) };
    let clock = Arc::new(ManualClock::new(at(STARTED + 12)));
    let backend = PrometheusConfig { auth, ..PrometheusConfig::new(url) }.build(clock).unwrap();
    let world = World { server, bytes, backend, policy: Policy::preset(Preset::Default) };
    let flagger = [
        format!(
            "histogram_quantile(0.99, sum(rate(http_request_duration_seconds_bucket{{{SELECT}}}[1m])) by (le))"
        ),
        format!(
            r#"sum(rate(http_requests_total{{{SELECT},code!~"5.*"}}[1m])) / sum(rate(http_requests_total{{{SELECT}}}[1m])) * 100"#
        ),
    ];
    let argo = [
        format!(
            "histogram_quantile(0.95, sum(irate(http_request_duration_seconds_bucket{{{SELECT}}}[5m])) by (le))"
        ),
        format!(
            r#"sum(irate(http_requests_total{{{SELECT},code!~"5.*"}}[5m])) / sum(irate(http_requests_total{{{SELECT}}}[5m]))"#
        ),
    ];
    // The first query of all reads the index.
    world.instant(&flagger[0]).await;
    for _ in 0..2 {
        world.measure("nprt, first judgement (2 h of history)", 1, async || world.first().await).await;
        world.measure("nprt, later check, both tracks", 10, async || world.later().await).await;
        for (name, queries) in [
            ("Flagger, two built-in metrics, the canary", &flagger),
            ("Argo Rollouts, the same, the canary", &argo),
        ] {
            let both = async || world.instant(&queries[0]).await + world.instant(&queries[1]).await;
            world.measure(name, 10, both).await;
        }
    }
}
