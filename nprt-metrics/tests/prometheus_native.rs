//! Native histograms, as Debian's Prometheus scrapes them in protobuf: alone, and beside classic ones while a service changes over.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(feature = "prometheus")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use nprt_core::clock::ManualClock;
use nprt_core::model::{BlockData, ServiceName, TimeRange, Track};
use nprt_core::ports::{MetricQuery, MetricsBackend, Versions};
use nprt_metrics::MetricUnit;
use nprt_metrics::prometheus::{PrometheusConfig, PrometheusMetric};
use support::name;
use support::protobuf::{double, family, field, number, signed};
use support::scraped::{Exposition, Scraped, log_in, scraped};

const CONFIG: &str = "
scrape_configs:
- job_name: pods
  scrape_interval: 15s
  kubernetes_sd_configs: [{role: pod}]
";

/// As docs/metrics.md has it.
const QUERY: &str = "sum by ({by}) ({increase}(http_request_duration_seconds_bucket{{select}})) \
                     or sum by ({by}) (increase(http_request_duration_seconds{{select}}[{window}]))";

const CLASSIC: &str = r#"# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.5"} 2
http_request_duration_seconds_bucket{le="1"} 5
http_request_duration_seconds_bucket{le="+Inf"} 6
http_request_duration_seconds_sum 4
http_request_duration_seconds_count 6
"#;

/// A family as client libraries write it (io.prometheus.client.MetricFamily): in each scrape three more requests took more than half a
/// second and up to one, and one up to two.
fn native(n: i64, milliseconds: i64) -> Vec<u8> {
    let histogram = [
        number(1, u64::try_from(4 * n).unwrap()),
        double(2, 4.0),
        signed(5, 0),
        double(6, 1e-128),
        // From the bucket that ends at 1, two.
        field(12, &[signed(1, 0), number(2, 2)].concat()),
        signed(13, 3 * n),
        signed(13, -2 * n),
    ];
    let metric = [field(7, &histogram.concat()), number(6, milliseconds.unsigned_abs())];
    family("http_request_duration_seconds", 4, &[metric.concat()])
}

#[tokio::test]
async fn both_kinds_are_read() {
    let pod = |track: Track, pod: &str| format!("service: web, track: {track}, pod: {pod}");
    let targets = vec![
        (pod(Track::Stable, "old"), Exposition::Text(CLASSIC.to_owned())),
        (pod(Track::Stable, "new"), Exposition::Protobuf(native)),
        (pod(Track::Canary, "canary"), Exposition::Protobuf(native)),
    ];
    let Some(world) = scraped(CONFIG, targets, &["--enable-feature=native-histograms"]).await else { return };
    let Scraped { server, minute } = world;
    let mut config = PrometheusConfig::new("");
    log_in(&mut config, &server);
    let (query, unit) = (QUERY.to_owned(), MetricUnit::Seconds);
    config.source.metrics = BTreeMap::from([(name("latency"), PrometheusMetric::Histogram { query, unit })]);
    let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
    let backend = config.build(Arc::new(ManualClock::new(at(minute + 4)))).unwrap();
    let query = MetricQuery {
        service: ServiceName::new("web").unwrap(),
        metric: name("latency"),
        range: TimeRange::new(at(minute), at(minute + 4)).unwrap(),
        versions: Versions::default(),
    };
    let measured = backend.blocks(&query).await.unwrap();
    assert_eq!((measured.left_out.len(), measured.blocks.len()), (0, 12), "{measured:?}");
    let old = BlockData::Histogram { edges: vec![0.5, 1.0], counts: vec![8, 12, 4] };
    let new = BlockData::Histogram { edges: vec![0.5, 1.0, 2.0], counts: vec![0, 12, 4, 0] };
    for block in measured.blocks {
        let expected = if block.pod.as_deref() == Some("old") { &old } else { &new };
        assert_eq!(block.data, *expected, "{:?} in minute {}", block.pod, block.minute - minute);
    }
    assert_eq!(measured.evidence.quantile_error, Some(1.0));
}
