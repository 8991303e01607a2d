//! A question that nobody waits for any longer costs the server no more.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(feature = "prometheus")]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nprt_core::clock::SystemClock;
use nprt_core::model::{MetricName, Secret};
use nprt_core::ports::MetricsBackend;
use nprt_core::wrap::Timeout;
use nprt_metrics::MetricUnit;
use nprt_metrics::prometheus::{PrometheusAuth, PrometheusConfig, PrometheusMetric};
use nprt_testkit::{Prometheus, need};
use support::{MINUTE, clock_at, query};

/// It takes the server half a second for each series, and between two it looks whether somebody waits.
const SLOW: &str = r#"sum by ({by}) (sum_over_time(sum_over_time(up{service="{service}"}[6h:1s])[6h:1s]))"#;
const SERIES: usize = 100;

/// How many queries the server works on.
fn under_way(server: &Prometheus) -> f64 {
    let address = server.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /metrics HTTP/1.0\r\nAuthorization: {}\r\n\r\n", Prometheus::AUTHORIZATION).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let line = answer.lines().find_map(|line| line.strip_prefix("prometheus_engine_queries ")).unwrap();
    line.parse().unwrap()
}

/// Waits until the server works on so many.
async fn wait_for(server: &Prometheus, queries: f64) {
    let began = Instant::now();
    while (under_way(server) - queries).abs() > 0.5 {
        assert!(began.elapsed() < Duration::from_secs(20), "{} under way, not {queries}", under_way(server));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn the_server_stops_when_the_caller_does() {
    let mut text = "# TYPE up gauge\n".to_owned();
    for (pod, n) in (0..SERIES).flat_map(|pod| (0..20).map(move |n| (pod, n))) {
        let second = MINUTE * 60 + 300 * n;
        writeln!(text, r#"up{{service="shop",track="stable",pod="{pod}"}} 1 {second}"#).unwrap();
    }
    text.push_str("# EOF\n");
    let Some(server) = need(Prometheus::start(&text).await) else { return };
    let auth = PrometheusAuth::Basic {
        username: Prometheus::USER.to_owned(),
        password: Secret::new(Prometheus::PASSWORD),
    };
    let mut config = PrometheusConfig { auth, ..PrometheusConfig::new(server.url()) };
    let slow = PrometheusMetric::Value { query: SLOW.to_owned(), unit: MetricUnit::None };
    config.source.metrics = BTreeMap::from([(MetricName::new("cpu").unwrap(), slow)]);
    let backend = Arc::new(config.build(clock_at(100)).unwrap());
    let asked = {
        let limited = Timeout::new(Arc::clone(&backend), Duration::from_secs(3), Arc::new(SystemClock));
        tokio::spawn(async move { limited.blocks(&query("cpu", 0, 100)).await })
    };
    wait_for(&server, 1.0).await;
    let error = asked.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("no answer in the time allowed"), "{error}");
    wait_for(&server, 0.0).await;

    // By this clock the time is never up. The server is told how long it may take, and gives up by itself.
    let (limit, began) = (Duration::from_secs(2), Instant::now());
    let error = Timeout::new(backend, limit, clock_at(100)).blocks(&query("cpu", 0, 100)).await.unwrap_err();
    assert!(error.to_string().contains("timed out"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(10), "after {:?}", began.elapsed());
}
