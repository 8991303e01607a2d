//! Metrics servers that mean harm: endless, huge, deep, slow and leading astray. Each costs bounded time and memory, and
//! the error says which limit it met.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![allow(clippy::disallowed_methods, reason = "a server of threads may sleep in them")]
#![cfg(all(feature = "prometheus", feature = "datadog", feature = "aggregator", target_os = "linux"))]

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nprt_core::model::Secret;
use nprt_core::ports::MetricsBackend;
use nprt_core::{Error, ErrorKind};
use nprt_metrics::aggregator::AggregatorConfig;
use nprt_metrics::datadog::DatadogConfig;
use nprt_metrics::prometheus::PrometheusConfig;
use support::{MINUTE, clock_at, query};

type Answer = Arc<dyn Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync>;

/// A server that answers every request like this, and then closes; its address.
fn serve(answer: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer: Answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answer) = (stream.unwrap(), Arc::clone(&answer));
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 65_536]);
                answer(&mut stream)
            });
        }
    });
    url
}

/// One that says that all is well, and then this.
fn says(body: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> String {
    serve(move |to| {
        to.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n")?;
        body(to)
    })
}

fn text(body: impl Into<String>) -> String {
    let body = body.into();
    says(move |to| to.write_all(body.as_bytes()))
}

fn backends(url: &str) -> Vec<Box<dyn MetricsBackend>> {
    let mut prometheus = PrometheusConfig::new(url);
    let mut datadog = DatadogConfig::new(Secret::new("api"), Secret::new("application"));
    let mut aggregator = AggregatorConfig::new(url, "token");
    datadog.url = Some(url.to_owned());
    for http in [&mut prometheus.http, &mut datadog.http, &mut aggregator.http] {
        http.timeout_seconds = 2;
    }
    for limit in [
        &mut prometheus.max_response_bytes,
        &mut datadog.max_response_bytes,
        &mut aggregator.max_response_bytes,
    ] {
        *limit = 8 << 20;
    }
    let clock = clock_at(100);
    vec![
        Box::new(prometheus.build(clock.clone()).unwrap()),
        Box::new(datadog.build(clock).unwrap()),
        Box::new(aggregator.build().unwrap()),
    ]
}

/// What each backend says of such a server, within some seconds.
async fn errors(url: &str) -> Vec<Error> {
    let mut errors = Vec::new();
    for backend in backends(url) {
        let began = Instant::now();
        errors.push(backend.blocks(&query("cpu", 0, 90)).await.unwrap_err());
        assert!(began.elapsed() < Duration::from_secs(10), "{backend:?} took {:?}", began.elapsed());
    }
    errors
}

#[tokio::test]
async fn what_is_too_long_names_its_option() {
    let endless = says(|to| {
        loop {
            to.write_all(&[b' '; 65_536])?;
        }
    });
    let chunks = serve(|to| {
        to.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
        let chunk = format!("1000\r\n{}\r\n", "[".repeat(4096));
        loop {
            to.write_all(chunk.as_bytes())?;
        }
    });
    let announced = serve(|to| {
        to.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n{")?;
        std::thread::sleep(Duration::from_secs(20));
        Ok(())
    });
    for url in [endless, chunks, announced] {
        let began = Instant::now();
        for error in errors(&url).await {
            assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
            assert!(error.to_string().contains("max_response_bytes"), "{error}");
        }
        assert!(began.elapsed() < Duration::from_secs(8));
    }
}

#[tokio::test]
async fn what_drips_is_given_up() {
    let drip = says(|to| {
        loop {
            to.write_all(b" ")?;
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    for error in errors(&drip).await {
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    }
}

#[tokio::test]
async fn strange_shapes_are_errors() {
    let deep = "[".repeat(1_000_000);
    let twice = r#"{"data": {"resultType": "matrix", "result": [{"metric": {"track": "stable", "track": "canary"}, "values": []}]}}"#;
    let again =
        r#"{"data": null, "data": {"resultType": "matrix", "result": []}, "version": 1, "version": 1}"#;
    let long = format!(
        r#"{{"data": {{"resultType": "matrix", "result": [{{"metric": {{"track": "{}"}}}}]}}}}"#,
        "x".repeat(1 << 20)
    );
    let bodies = [
        deep.clone(),
        format!(r#"{{"data": {deep}"#),
        format!(r#"{{"data": {{"attributes": {{"values": {deep}"#),
        format!(r#"{{"data": {{"resultType": "matrix", "result": [{{"metric": {{}}, "histograms": {deep}"#),
        twice.to_owned(),
        again.to_owned(),
        long,
        "\u{0}".repeat(1000),
        r#"{"data": {"resultType": "matrix", "result": [{"metric": {"track": "stable"}, "values": [[1e308, "1"]]}]}}"#.to_owned(),
        r#"{"data": {"attributes": {"series": [{"query_index": 18446744073709551615, "group_tags": ["track:stable"]}], "times": [60000], "values": [[1]]}}}"#.to_owned(),
        r#"{"version": 1, "blocks": [], "next": -9223372036854775808}"#.to_owned(),
    ];
    for body in bodies {
        let url = text(body.clone());
        for error in errors(&url).await {
            assert!(error.to_string().len() < 2_000, "{} of {}", error, body.len());
        }
    }
}

#[tokio::test]
async fn nothing_is_unpacked_and_nobody_leads_astray() {
    // What a gigabyte of zeros begins with, by gzip.
    let packed = serve(|to| {
        to.write_all(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n")?;
        to.write_all(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x01\x0d\x00\x00\x00\xc2\xa0")
    });
    let other = text(r#"{"data": {"resultType": "matrix", "result": []}}"#);
    let astray = serve(move |to| {
        write!(
            to,
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: {other}/api/v1/query_range\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )
    });
    let round = serve(|to| {
        to.write_all(b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /again\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    });
    for url in [packed, astray, round] {
        for error in errors(&url).await {
            assert_ne!(error.kind(), ErrorKind::NotFound, "{error}");
        }
    }
}

/// The most memory that this process ever had, in MiB.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1024
}

/// Sends this many points as Prometheus would, in series of 90 minutes.
fn series(to: &mut TcpStream, points: usize) -> std::io::Result<()> {
    let mut to = std::io::BufWriter::with_capacity(1 << 20, to);
    write!(to, r#"{{"status": "success", "data": {{"resultType": "matrix", "result": ["#)?;
    for pod in 0..points / 90 {
        let comma = if pod == 0 { "" } else { "," };
        write!(to, r#"{comma}{{"metric": {{"track": "stable", "pod": "web-{pod}"}}, "values": ["#)?;
        for minute in 1..=90 {
            let comma = if minute == 1 { "" } else { "," };
            write!(to, r#"{comma}[{},"0.25"]"#, (MINUTE + minute) * 60)?;
        }
        write!(to, "]}}")?;
    }
    write!(to, "]}}}}")?;
    to.flush()
}

#[tokio::test]
async fn two_million_points_take_little_memory() {
    let url = says(|to| series(to, 2_000_000));
    let mut config = PrometheusConfig::new(&url);
    let ask = async |config: PrometheusConfig| {
        config
            .build(clock_at(100))
            .unwrap()
            .blocks(&query("cpu", 0, 91))
            .await
            .map(|measured| measured.blocks)
    };
    let error = ask(config.clone()).await.unwrap_err().to_string();
    assert!(error.contains("max_points") && error.contains("points"), "{error}");
    config.max_points = 2_100_000;
    let error = ask(config.clone()).await.unwrap_err().to_string();
    assert!(error.contains("max_blocks"), "{error}");
    // What is allowed comes whole.
    config.url = says(|to| series(to, 90 * 2_000));
    assert_eq!(ask(config).await.unwrap().len(), 180_000);
    // Two million numbers in a line of Datadog's, and as many of an aggregator's.
    let many = "1,".repeat(2_000_000);
    let columns =
        format!(r#"{{"data": {{"attributes": {{"series": [], "times": [], "values": [[{many}1]]}}}}}}"#);
    let url = text(columns);
    let datadog = backends(&url).remove(1).blocks(&query("cpu", 0, 90)).await.unwrap_err().to_string();
    assert!(datadog.contains("max_points"), "{datadog}");
    assert!(peak() < 250, "{} MiB", peak());
}
