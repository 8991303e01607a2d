//! A real exporter, scraped each second: its process ends and comes back with other labels, a pod goes away, and a gauge is NaN.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use nprt_core::clock::ManualClock;
use nprt_core::clock::SystemClock;
use nprt_core::model::{Block, BlockData, ServiceName, TimeRange};
use nprt_core::ports::{Clock, LeftOutReason, Measured, MetricQuery, MetricsBackend, Versions};
use nprt_metrics::prometheus::PrometheusConfig;
use nprt_testkit::{Prometheus, need};

use crate::answered::start_of;
use crate::support::name;
use crate::support::scraped::log_in;

/// After so many scrapes nothing changes any more.
const LAST: u64 = 12;
/// These scrapes fail: the process is down, and what it exposed becomes stale.
const DOWN: std::ops::RangeInclusive<u64> = 5..=6;

/// Edges of buckets, and how many of ten requests are at or below.
const BUCKETS: [(&str, u64); 3] = [("0.1", 5), ("0.5", 9), ("+Inf", 10)];

/// What the nth scrape finds, from 1.
fn exposition(n: u64) -> Option<String> {
    if DOWN.contains(&n) {
        return None;
    }
    let is_new = n > *DOWN.end();
    // A process counts from zero. Nothing came after the last scrape before it ended.
    let lived = if is_new { n.min(LAST) - DOWN.end() } else { n.min(DOWN.start() - 1) };
    let restarted = format!(r#"track="canary",pod="restarted",build="{}""#, if is_new { "b" } else { "a" });
    let gone = r#"track="stable",pod="gone""#.to_owned();
    let steady = r#"track="stable",pod="steady""#.to_owned();
    let mut pods = vec![(restarted, lived), (steady, n.min(LAST))];
    // One pod is in no exposition after the gap.
    pods.extend((!is_new).then_some((gone, lived)));
    let mut text = "# TYPE http_request_duration_seconds histogram\n".to_owned();
    for (labels, lived) in &pods {
        for (edge, of_ten) in BUCKETS {
            let bucket = format!(
                r#"http_request_duration_seconds_bucket{{service="shop",{labels},code="200",le="{edge}"}}"#
            );
            writeln!(text, "{bucket} {}", of_ten * lived).unwrap();
        }
    }
    text.push_str("# TYPE process_resident_memory_bytes gauge\n");
    for (labels, _) in &pods {
        let bytes = if labels.contains("steady") { "NaN" } else { "5000000" };
        writeln!(text, "process_resident_memory_bytes{{service=\"shop\",{labels}}} {bytes}").unwrap();
    }
    Some(text)
}

async fn serve() -> (u16, Arc<AtomicU64>) {
    let scrapes = Arc::new(AtomicU64::new(0));
    let counts = Arc::clone(&scrapes);
    let answer = move || {
        let text = exposition(counts.fetch_add(1, Ordering::SeqCst) + 1);
        std::future::ready(text.ok_or(StatusCode::SERVICE_UNAVAILABLE).into_response())
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new().route("/metrics", axum::routing::get(answer));
    tokio::spawn(async { axum::serve(listener, router).await });
    (port, scrapes)
}

/// How many of each bucket were counted in a pod's blocks.
fn counts(blocks: &[Block], pod: &str) -> Vec<u64> {
    let mut sums = vec![0; BUCKETS.len()];
    for block in blocks.iter().filter(|block| block.pod.as_deref() == Some(pod)) {
        let BlockData::Histogram { counts, .. } = &block.data else { panic!("{block:?}") };
        counts.iter().zip(&mut sums).for_each(|(count, sum)| *sum += count);
    }
    sums
}

#[tokio::test]
async fn an_exporter_that_restarts_is_counted_once() {
    let (port, scrapes) = serve().await;
    let config = format!(
        "scrape_configs:\n- job_name: shop\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  \
         static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
    );
    let first = SystemClock.now().as_second() / 60;
    let Some(server) = need(Prometheus::scraping(&config, &[]).await) else { return };
    let done = async {
        while scrapes.load(Ordering::SeqCst) <= LAST {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(40), done).await.expect("it is not scraped");
    let end = SystemClock.now().as_second() / 60 + 1;
    let mut config = PrometheusConfig::new("");
    log_in(&mut config, &server);
    // As if the minute that runs were over.
    let backend = config.build(Arc::new(ManualClock::new(start_of(end)))).unwrap();
    let ask = async |metric: &str| -> Measured {
        let range = TimeRange::new(start_of(first), start_of(end)).unwrap();
        let (service, metric) = (ServiceName::new("shop").unwrap(), name(metric));
        let query = MetricQuery { service, metric, range, versions: Versions::default() };
        backend.blocks(&query).await.unwrap()
    };
    let latency = ask("latency").await;
    let expected = |lived: u64| vec![5 * lived, 4 * lived, lived];
    let lived: BTreeMap<&str, u64> =
        BTreeMap::from([("restarted", 4 + LAST - DOWN.end()), ("gone", 4), ("steady", LAST)]);
    for (pod, lived) in lived {
        assert_eq!(counts(&latency.blocks, pod), expected(lived), "{pod}: {:?}", latency.blocks);
    }
    assert!(latency.left_out.is_empty(), "{:?}", latency.left_out);
    let memory = ask("memory").await;
    assert!(memory.left_out.iter().all(|left| left.reason == LeftOutReason::NotANumber));
    assert!(!memory.left_out.is_empty(), "{memory:?}");
    let measured = |pod: &str| memory.blocks.iter().any(|block| block.pod.as_deref() == Some(pod));
    assert_eq!(["restarted", "gone", "steady"].map(measured), [true, true, false]);
}
