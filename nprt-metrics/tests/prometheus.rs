//! The Prometheus backend, on Debian's Prometheus with a history made for the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(feature = "prometheus")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use nprt_core::ErrorKind;
use nprt_core::conformance::metrics::{self, Recorded};
use nprt_core::model::{Block, BlockData, BlockShape, MetricName, Secret, ServiceName, Track};
use nprt_core::ports::{LeftOutReason, MetricsBackend, MetricsCapabilities};
use nprt_metrics::prometheus::{Prometheus, PrometheusAuth, PrometheusConfig, PrometheusMetric, Statuses};
use nprt_metrics::{MetricUnit, Named, TrackLabel};
use nprt_testkit::need;
use support::{MINUTE, clock_at, name, query};

/// Names of series, their labels, and how far each grows in a minute (a gauge: what it is).
struct Exporter {
    text: BTreeMap<&'static str, (&'static str, String)>,
    totals: BTreeMap<String, f64>,
}

/// The pods, each with its track.
const PODS: [(Track, &str); 3] = [(Track::Canary, "c"), (Track::Stable, "t"), (Track::Stable, "s")];

impl Exporter {
    fn new() -> Self {
        Self { text: BTreeMap::new(), totals: BTreeMap::new() }
    }

    /// Four scrapes in `minute`, 15 seconds apart, in which a counter grows by `in_minute` a minute.
    fn counter(&mut self, series: &'static str, suffix: &str, labels: &str, minute: i64, in_minute: f64) {
        let key = format!("{series}{suffix}{{{labels}}}");
        let total = self.totals.entry(key.clone()).or_insert(0.0);
        let kind = if suffix == "_bucket" { "histogram" } else { "counter" };
        let (_, text) = self.text.entry(series).or_insert((kind, String::new()));
        for second in [5, 20, 35, 50] {
            *total += in_minute / 4.0;
            writeln!(text, "{key} {total} {}", (MINUTE + minute) * 60 + second).unwrap();
        }
    }

    fn gauge(&mut self, series: &'static str, labels: &str, minute: i64, value: f64) {
        let (_, text) = self.text.entry(series).or_insert(("gauge", String::new()));
        for second in [5, 20, 35, 50] {
            writeln!(text, "{series}{{{labels}}} {value} {}", (MINUTE + minute) * 60 + second).unwrap();
        }
    }

    fn openmetrics(&self) -> String {
        let families = self.text.iter().map(|(name, (kind, text))| format!("# TYPE {name} {kind}\n{text}"));
        families.collect::<String>() + "# EOF\n"
    }

    /// One minute of a pod of the shop, and the blocks that must come of it.
    fn minute(&mut self, minute: i64, track: Track, pod: &str) -> Vec<Block> {
        let of = |service: &str, more: &str| {
            format!(
                r#"service="{service}",track="{track}",version="main-3f2a91c",pod="{pod}",route="/cart"{more}"#
            )
        };
        for (service, factor) in [("shop", 1.0), ("other", 7.0)] {
            for (le, cumulative) in [("0.1", 40.0), ("0.5", 52.0), ("+Inf", 60.0)] {
                let labels = of(service, &format!(r#",code="200",le="{le}""#));
                self.counter(
                    "http_request_duration_seconds",
                    "_bucket",
                    &labels,
                    minute,
                    factor * cumulative,
                );
            }
            let slow = of(service, r#",code="500",le="+Inf""#);
            self.counter("http_request_duration_seconds", "_bucket", &slow, minute, 400.0);
            for (code, count) in [("200", 60.0), ("500", 8.0), ("503", 4.0)] {
                let labels = of(service, &format!(r#",code="{code}""#));
                self.counter("http_requests", "_total", &labels, minute, factor * count);
            }
            self.counter("process_cpu_seconds", "_total", &of(service, ""), minute, factor * 15.0);
            self.gauge("process_resident_memory_bytes", &of(service, ""), minute, factor * 1e6);
        }
        let block = |metric: &str, data| Block {
            minute: MINUTE + minute,
            track,
            version: Some("main-3f2a91c".to_owned()),
            pod: Some(pod.to_owned()),
            route: Some("/cart".to_owned()),
            metric: name(metric),
            data,
        };
        let classes = BTreeMap::from([("500".to_owned(), 8), ("503".to_owned(), 4)]);
        vec![
            block("latency", BlockData::Histogram { edges: vec![0.1, 0.5], counts: vec![40, 12, 8] }),
            block("requests", BlockData::Requests { requests: 72, errors: 12 }),
            block("errors", BlockData::Classes(classes)),
            block("cpu", BlockData::Value(0.25)),
            block("memory", BlockData::Value(1e6)),
        ]
    }
}

/// A server with four minutes: 1 is a gap, 4 still runs.
async fn recorded() -> Option<(nprt_testkit::Prometheus, Recorded)> {
    let mut exporter = Exporter::new();
    let mut blocks = Vec::new();
    for (track, pod) in PODS {
        for minute in [0, 2, 3, 4] {
            let of_minute = exporter.minute(minute, track, pod);
            if minute < 4 {
                blocks.extend(of_minute);
            }
        }
    }
    let server = need(nprt_testkit::Prometheus::start(&exporter.openmetrics()).await)?;
    Some((server, Recorded { service: ServiceName::new("shop").unwrap(), blocks }))
}

fn config(url: String, password: &str) -> PrometheusConfig {
    let auth = PrometheusAuth::Basic {
        username: nprt_testkit::Prometheus::USER.to_owned(),
        password: Secret::new(password),
    };
    PrometheusConfig { auth, ..PrometheusConfig::new(url) }
}

fn open(server: &nprt_testkit::Prometheus) -> Prometheus {
    config(server.url(), nprt_testkit::Prometheus::PASSWORD).build(clock_at(4)).unwrap()
}

#[tokio::test]
async fn conforms() {
    let Some((server, recorded)) = recorded().await else { return };
    let backend = open(&server);
    backend.check(&recorded.service).await.unwrap();
    metrics::all(&backend, &open(&server), &recorded).await;
}

#[tokio::test]
async fn a_server_refuses() {
    let Some((server, recorded)) = recorded().await else { return };
    let clock = clock_at(4);
    let wrong = config(server.url(), "wr0ng").build(clock.clone()).unwrap();
    let error = wrong.blocks(&query("latency", 0, 4)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    assert!(!format!("{error:?} {wrong:?}").contains("wr0ng"), "{error:?} {wrong:?}");

    let with = |of: &str| {
        let mut config = config(server.url(), nprt_testkit::Prometheus::PASSWORD);
        let unit = MetricUnit::None;
        config.source.metrics =
            BTreeMap::from([(name("mine"), PrometheusMetric::Value { query: of.to_owned(), unit })]);
        config.build(clock.clone()).unwrap()
    };
    // A query that is no PromQL is found by the check, and names the metric.
    let error = with(r#"sum((x{service="{service}"}"#).check(&recorded.service).await.unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("mine"), "{error}");
    // Not aggregated, and without a track.
    let ask = async |of: &str| with(of).blocks(&query("mine", 0, 4)).await.unwrap_err().to_string();
    let error = ask(
        r#"sum by (le, track) (rate(http_request_duration_seconds_bucket{service="{service}"}[{window}]))"#,
    )
    .await;
    assert!(error.contains("aggregate by {by}"), "{error}");
    let error = ask(r#"sum(process_resident_memory_bytes{service="{service}"})"#).await;
    assert!(error.contains("track"), "{error}");
    // 0 / 0 is no measurement, and spoils no other.
    let half = r#"sum by ({by}) (process_resident_memory_bytes{service="{service}",pod!="c"})
        or sum by ({by}) (0 * process_resident_memory_bytes{service="{service}",pod="c"}) / 0"#;
    let measured = with(half).blocks(&query("mine", 0, 4)).await.unwrap();
    let (blocks, left) = (measured.blocks, measured.left_out);
    assert!(left.len() == 4 && left.iter().all(|left| left.reason == LeftOutReason::NotANumber), "{left:?}");
    let pods: BTreeSet<_> = blocks.iter().map(|block| block.pod.as_deref()).collect();
    assert_eq!(pods, BTreeSet::from([Some("s"), Some("t")]));
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_where_it_is_named() {
    let Some((server, ca)) = need(nprt_testkit::Prometheus::secure().await) else { return };
    let service = ServiceName::new("shop").unwrap();
    let open = |ca| {
        let mut config = config(server.url(), nprt_testkit::Prometheus::PASSWORD);
        config.http.ca = ca;
        config.build(clock_at(4)).unwrap()
    };
    let error = open(None).check(&service).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let trusting = open(Some(ca.clone()));
    let mut answer = trusting.check(&service).await;
    // The server may still start: it says so over TLS.
    for _ in 0..100 {
        if answer.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        answer = trusting.check(&service).await;
    }
    answer.unwrap();
    std::fs::write(&ca, "no certificate").unwrap();
    let mut config = config(server.url(), "");
    config.http.ca = Some(ca);
    let error = config.build(clock_at(4)).unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("ca.pem"), "{error}");
}

#[test]
fn capabilities() {
    let names = ["cpu", "errors", "latency", "memory", "requests"];
    let expected = MetricsCapabilities {
        metrics: Some(names.into_iter().map(|name| MetricName::new(name).unwrap()).collect()),
        shapes: BTreeSet::from([
            BlockShape::Histogram,
            BlockShape::Value,
            BlockShape::Requests,
            BlockShape::Classes,
        ]),
        history: true,
        pods: true,
        routes: true,
    };
    let mut config = PrometheusConfig::new("http://localhost:9090");
    assert_eq!(config.clone().build(clock_at(0)).unwrap().capabilities(), expected);
    (config.source.labels.pod, config.source.labels.route) = (None, None);
    let fewer = MetricsCapabilities { pods: false, routes: false, ..expected };
    assert_eq!(config.build(clock_at(0)).unwrap().capabilities(), fewer);
}

#[test]
fn a_wrong_configuration_is_refused() {
    let refused = |change: &dyn Fn(&mut PrometheusConfig), text: &str| {
        let mut config = PrometheusConfig::new("http://localhost:9090");
        change(&mut config);
        let error = config.build(clock_at(0)).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(text), "{error}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    };
    let metric = |query: &str| PrometheusMetric::Value { query: query.to_owned(), unit: MetricUnit::None };
    refused(&|config| config.url = "http://me:s3cret@localhost".to_owned(), "credentials");
    refused(&|config| config.source.metrics.clear(), "metrics");
    refused(&|config| config.source.labels.track = "a,b".into(), "a,b");
    let by_version = TrackLabel::Name { label: "version".to_owned(), names: Named::Version };
    refused(&|config| config.source.labels.track = by_version.clone(), "the version tells no track");
    refused(&|config| config.max_response_bytes = 0, "max_response_bytes");
    refused(&|config| config.http.timeout_seconds = 0, "time-out");
    refused(&|config| config.http.ca = Some("/nowhere.pem".into()), "/nowhere.pem");
    let header = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), Secret::new(value))]);
    refused(&|config| config.headers = header("X Org", "s3cret"), "X Org");
    refused(&|config| config.headers = header("X-Org", "s3cret\n"), "X-Org");
    let twice = |config: &mut PrometheusConfig| {
        config.headers = header("authorization", "s3cret");
        config.auth = PrometheusAuth::Bearer { token: Secret::new("s3cret") };
    };
    refused(&twice, "auth");
    let everyone = |config: &mut PrometheusConfig| {
        config.source.metrics.insert(name("mine"), metric("sum(x)"));
    };
    refused(&everyone, "mine");
    let unknown = |config: &mut PrometheusConfig| {
        config.source.metrics.insert(name("mine"), metric(r#"x{service="{service}",pod="{pod}"}"#));
    };
    refused(&unknown, "{pod}");
    let open = |config: &mut PrometheusConfig| {
        config.source.metrics.insert(name("mine"), metric(r#"{increase}(x{service="{service}"}"#));
    };
    refused(&open, "{increase}");
    let selects = |config: &mut PrometheusConfig| config.source.select = r#"a="{pod}""#.to_owned();
    refused(&selects, "{pod}");
    let everyone = |config: &mut PrometheusConfig| config.source.select = r#"a="b""#.to_owned();
    refused(&everyone, "without {service}");
    let unknown = |config: &mut PrometheusConfig| config.source.status = Statuses::default();
    refused(&unknown, "which requests failed");
    let status = |config: &mut PrometheusConfig| config.source.status.0[0].label = "a-b".to_owned();
    refused(&status, "a-b");
    let token = r#"{"url": "http://p", "auth": {"type": "bearer", "token": "s3cret"}}"#;
    let config: PrometheusConfig = serde_json::from_str(token).unwrap();
    assert!(!format!("{config:?}").contains("s3cret"));
    assert!(serde_json::from_str::<PrometheusConfig>(r#"{"url": "http://p", "urls": 1}"#).is_err());
}
