//! Through Prometheus, by native histograms: all scrapes of the data set in one exposition, each with its time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use nprt_core::clock::ManualClock;
use nprt_core::clock::SystemClock;
use nprt_core::ports::Clock;
use nprt_metrics::MetricUnit;
use nprt_metrics::prometheus::{PrometheusConfig, PrometheusMetric};
use nprt_testkit::{Prometheus, need};

use crate::answered::{counted, measures, sent, start_of};
use crate::data::{MINUTES, Requests, SERVICES, requests};
use crate::exporter::{Place, Totals, scrape};
use crate::support::name;
use crate::support::protobuf::{double, family, field, number, signed};
use crate::support::scraped::log_in;

/// As docs/metrics.md has it, of histograms that are all native.
const QUERY: &str =
    r#"sum by ({by}) (increase(http_request_duration_seconds{{select},code!~"5.."}[{window}]))"#;

/// Each bucket ends at 2^(1/8) times where it begins.
const SCHEMA: i32 = 3;

fn metric(place: &Place, code: &str, value: &[u8], milliseconds: i64) -> Vec<u8> {
    let label = |(name, value): (&str, &str)| {
        field(1, &[field(1, name.as_bytes()), field(2, value.as_bytes())].concat())
    };
    let labels: Vec<u8> = place.labels().into_iter().chain([("code", code)]).flat_map(label).collect();
    [labels, value.to_vec(), number(6, milliseconds.unsigned_abs())].concat()
}

/// A histogram of what was counted: spans of buckets that hold something, and by how much each holds more than the one before.
fn histogram(totals: &Totals) -> Vec<u8> {
    let (mut buckets, mut all, mut sum) = (BTreeMap::<i64, i64>::new(), 0, 0.0);
    for (took, count) in &totals.took {
        let seconds = f64::from(*took) / 1e6;
        let at = (seconds.log2() * f64::from(1 << SCHEMA)).ceil();
        *buckets.entry(format!("{at:.0}").parse().unwrap()).or_default() += i64::try_from(*count).unwrap();
        all += count;
        sum += seconds * *count as f64;
    }
    let mut encoded =
        [number(1, all), double(2, sum), signed(5, i64::from(SCHEMA)), double(6, 1e-128)].concat();
    let (mut deltas, mut next, mut before) = (Vec::new(), 0, 0);
    for (at, count) in buckets {
        // One span each: how many are empty before it.
        encoded.extend(field(12, &[signed(1, at - next), number(2, 1)].concat()));
        deltas.extend(signed(13, count - before));
        (next, before) = (at + 1, count);
    }
    encoded.extend(deltas);
    field(7, &encoded)
}

/// What the exporter serves, where the data set begins with that minute.
fn exposition(data: &[Requests], base: i64) -> Vec<u8> {
    let (mut histograms, mut counters) = (Vec::new(), Vec::new());
    scrape(data, |scrape| {
        let milliseconds = ((base + scrape.minute) * 60 + scrape.second) * 1000;
        for (place, totals) in scrape.found {
            histograms.push(metric(place, "200", &histogram(totals), milliseconds));
            for (status, count) in &totals.by_status {
                let counter = field(3, &double(1, *count as f64));
                counters.push(metric(place, status, &counter, milliseconds));
            }
        }
    });
    [family("http_request_duration_seconds", 4, &histograms), family("http_requests_total", 0, &counters)]
        .concat()
}

/// Serves it once, and counts who asks.
async fn serve(exposition: Vec<u8>) -> (u16, Arc<AtomicU64>) {
    let asked = Arc::new(AtomicU64::new(0));
    let counts = Arc::clone(&asked);
    let answer = move || {
        let kind =
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
        let answer = match counts.fetch_add(1, Ordering::SeqCst) {
            0 => ([(CONTENT_TYPE, kind)], exposition.clone()).into_response(),
            _ => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        };
        std::future::ready(answer)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new().route("/metrics", axum::routing::get(answer));
    tokio::spawn(async { axum::serve(listener, router).await });
    (port, asked)
}

#[tokio::test]
async fn native_histograms_measure_it() {
    let data = requests();
    let base = SystemClock.now().as_second() / 60 - MINUTES - 10;
    let (port, asked) = serve(exposition(&data, base)).await;
    let config = format!(
        "scrape_configs:\n- job_name: shop\n  scrape_interval: 2s\n  scrape_timeout: 2s\n  honor_labels: true\n  \
         static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
    );
    let flags = ["--enable-feature=native-histograms", "--storage.tsdb.min-block-duration=1d"];
    let Some(server) = need(Prometheus::scraping(&config, &flags).await) else { return };
    let stored = async {
        // The second question tells that the first answer is stored.
        while asked.load(Ordering::SeqCst) < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), stored).await.expect("it is not scraped");
    let mut config = PrometheusConfig::new("");
    log_in(&mut config, &server);
    let latency = PrometheusMetric::Histogram { query: QUERY.to_owned(), unit: MetricUnit::Seconds };
    config.source.metrics.insert(name("latency"), latency);
    let backend = config.build(Arc::new(ManualClock::new(start_of(base + MINUTES + 10)))).unwrap();
    let all = measures(&backend, &data, base, 0.05).await;
    for ((service, _), answered) in SERVICES.into_iter().zip(all) {
        let expected = sent(&data, |of| of.service == service);
        assert_eq!(counted(&answered.metrics[1].blocks, |_| true), expected, "{service}");
    }
}
