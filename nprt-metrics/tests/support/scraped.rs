//! Debian's Prometheus, which scrapes what a test exposes: four minutes of it in some seconds, by timestamps.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what it expects")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use nprt_core::clock::SystemClock;
use nprt_core::model::Secret;
use nprt_core::ports::Clock;
use nprt_metrics::prometheus::{PrometheusAuth, PrometheusConfig};
use nprt_testkit::{Prometheus, need};

/// What a target exposes.
pub(crate) enum Exposition {
    /// Prometheus' text. Counters grow by what it says from scrape to scrape.
    Text(String),
    /// Its protobuf, of the nth scrape (from 1) with this timestamp in milliseconds.
    Protobuf(fn(i64, i64) -> Vec<u8>),
}

/// The server, and the first of the four minutes.
pub(crate) struct Scraped {
    pub(crate) server: Prometheus,
    pub(crate) minute: i64,
}

struct Target {
    exposition: Exposition,
    scrapes: Mutex<i64>,
    begin: i64,
}

/// Four minutes, of a scrape each 15 seconds.
const SCRAPES: i64 = 16;

/// Starts Prometheus by `config`, in which each discovery by Kubernetes finds these targets (by the labels that it finds),
/// and waits until all have been scraped often enough.
pub(crate) async fn scraped(
    config: &str,
    targets: Vec<(String, Exposition)>,
    flags: &[&str],
) -> Option<Scraped> {
    let minute = SystemClock.now().as_second() / 60 - 10;
    let (mut served, mut labels) = (BTreeMap::new(), Vec::new());
    for (n, (found, exposition)) in targets.into_iter().enumerate() {
        labels.push(found);
        served.insert(n.to_string(), Target { exposition, scrapes: Mutex::new(0), begin: minute * 60 });
    }
    let served = Arc::new(served);
    let port = serve(&served).await;
    let mut discovered = "  static_configs:\n".to_owned();
    for (n, labels) in labels.iter().enumerate() {
        let labels = format!("{{__metrics_path__: /{n}, {labels}}}");
        writeln!(discovered, "  - {{targets: ['127.0.0.1:{port}'], labels: {labels}}}").unwrap();
    }
    let mut scraping = String::new();
    for line in config.lines() {
        match line.trim().split(':').next().unwrap() {
            "kubernetes_sd_configs" => scraping.push_str(&discovered),
            // There is no TLS here.
            "scheme" | "authorization" | "tls_config" => {}
            "scrape_interval" => scraping.push_str("  scrape_interval: 500ms\n  scrape_timeout: 500ms\n"),
            _ => writeln!(scraping, "{line}").unwrap(),
        }
    }
    let server = need(Prometheus::scraping(&scraping, flags).await)?;
    let done = async {
        while served.values().any(|target| *target.scrapes.lock().unwrap() <= SCRAPES) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), done).await.expect("a target is not scraped");
    Some(Scraped { server, minute })
}

pub(crate) fn log_in(config: &mut PrometheusConfig, server: &Prometheus) {
    config.url = server.url();
    config.auth = PrometheusAuth::Basic {
        username: Prometheus::USER.to_owned(),
        password: Secret::new(Prometheus::PASSWORD),
    };
}

type Targets = Arc<BTreeMap<String, Target>>;

async fn serve(targets: &Targets) -> u16 {
    let scrape = async |Path(path): Path<String>, State(targets): State<Targets>| targets[&path].scrape();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new().route("/{path}", axum::routing::get(scrape)).with_state(Arc::clone(targets));
    tokio::spawn(async { axum::serve(listener, router).await });
    port
}

impl Target {
    fn scrape(&self) -> Response {
        let n = {
            let mut scrapes = self.scrapes.lock().unwrap();
            // One more tells that the last is stored.
            *scrapes += 1;
            (*scrapes).min(SCRAPES)
        };
        let milliseconds = (self.begin + 5 + 15 * (n - 1)) * 1000;
        match &self.exposition {
            Exposition::Text(text) => grown(text, n, milliseconds).into_response(),
            Exposition::Protobuf(encode) => {
                let kind = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
                ([(CONTENT_TYPE, kind)], encode(n, milliseconds)).into_response()
            }
        }
    }
}

/// The text of the nth scrape.
fn grown(text: &str, n: i64, milliseconds: i64) -> String {
    let (mut grown, mut gauge, times) = (String::new(), false, f64::from(i32::try_from(n).unwrap()));
    for line in text.lines() {
        if line.starts_with('#') {
            gauge = if line.starts_with("# TYPE") { line.ends_with(" gauge") } else { gauge };
            writeln!(grown, "{line}").unwrap();
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let value: f64 = value.parse().unwrap();
        writeln!(grown, "{series} {} {milliseconds}", if gauge { value } else { value * times }).unwrap();
    }
    grown
}
