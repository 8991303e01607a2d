//! Through Prometheus, by a histogram with fixed buckets: one pod cannot be scraped for a while, and two samples are NaN.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use nprt_core::model::{BlockData, Secret};
use nprt_core::ports::{LeftOutReason, Measured};
use nprt_metrics::prometheus::{PrometheusAuth, PrometheusConfig};
use nprt_testkit::{Prometheus, need};

use crate::answered::{counted, measures, sent};
use crate::data::{MINUTES, Requests, SERVICES, requests};
use crate::exporter::{Place, Scrape, Totals, scrape};
use crate::support::{MINUTE, clock_at};

const EDGES: [(f64, &str); 14] = [
    (0.005, "0.005"),
    (0.01, "0.01"),
    (0.02, "0.02"),
    (0.03, "0.03"),
    (0.05, "0.05"),
    (0.075, "0.075"),
    (0.1, "0.1"),
    (0.15, "0.15"),
    (0.2, "0.2"),
    (0.3, "0.3"),
    (0.5, "0.5"),
    (0.75, "0.75"),
    (1.0, "1"),
    (2.0, "2"),
];

/// Of this pod, no scrape in these minutes succeeds.
const SILENT: (&str, std::ops::Range<i64>) = ("c-2", 55..58);
/// The pod and route, and the minute of whose last scrape a bucket is NaN.
const NAN_BUCKET: (&str, &str, i64) = ("c-0", "/cart", 70);
/// The same of a counter's second scrape.
const NAN_COUNTER: (&str, &str, i64) = ("s-0", "/pay", 49);

/// The text of both families, as OpenMetrics.
#[derive(Default)]
struct Text {
    buckets: String,
    requests: String,
}

impl Text {
    fn write(&mut self, scrape: &Scrape<'_>) {
        let time = (MINUTE + scrape.minute) * 60 + scrape.second;
        let is = |(pod, route, minute): (&str, &str, i64), place: &Place, second: i64| {
            (pod, route, minute, second) == (place.pod, place.route, scrape.minute, scrape.second)
        };
        for (place, totals) in scrape.found {
            if place.pod == SILENT.0 && SILENT.1.contains(&scrape.minute) {
                continue;
            }
            let labels: Vec<_> =
                place.labels().iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
            let labels = labels.join(",");
            self.histogram(&labels, totals, time, is(NAN_BUCKET, place, 50));
            for (status, count) in &totals.by_status {
                let count = if *status == "200" && is(NAN_COUNTER, place, 20) {
                    "NaN".to_owned()
                } else {
                    count.to_string()
                };
                writeln!(self.requests, "http_requests_total{{{labels},code=\"{status}\"}} {count} {time}")
                    .unwrap();
            }
        }
    }

    fn histogram(&mut self, labels: &str, totals: &Totals, time: i64, has_nan: bool) {
        let mut below = 0;
        let mut counts = [0; EDGES.len()];
        for (took, count) in &totals.took {
            let at = EDGES.iter().position(|(edge, _)| f64::from(*took) / 1e6 <= *edge).unwrap();
            counts[at] += count;
        }
        let name = "http_request_duration_seconds_bucket";
        for ((_, edge), count) in EDGES.iter().zip(counts) {
            below += count;
            let shown = if has_nan && *edge == "0.1" { "NaN".to_owned() } else { below.to_string() };
            let bucket = format!("{name}{{{labels},code=\"200\",le=\"{edge}\"}}");
            writeln!(self.buckets, "{bucket} {shown} {time}").unwrap();
        }
        writeln!(self.buckets, "{name}{{{labels},code=\"200\",le=\"+Inf\"}} {below} {time}").unwrap();
    }
}

/// Points that are left out, by reason.
fn left_out(measured: &Measured) -> BTreeMap<LeftOutReason, u64> {
    let mut sums = BTreeMap::new();
    for left in &measured.left_out {
        *sums.entry(left.reason).or_default() += left.points;
    }
    sums
}

/// How many a histogram counts.
fn histogram(data: &BlockData) -> u64 {
    let BlockData::Histogram { counts, .. } = data else { panic!("{data:?}") };
    counts.iter().sum()
}

#[tokio::test]
async fn a_scraped_prometheus_measures_it() {
    let data = requests();
    let mut text = Text::default();
    scrape(&data, |scrape| text.write(&scrape));
    let Text { buckets, requests } = text;
    let text = format!(
        "# TYPE http_request_duration_seconds histogram\n{buckets}# TYPE http_requests counter\n{requests}# EOF\n"
    );
    let Some(server) = need(Prometheus::start(&text).await) else { return };
    let auth = PrometheusAuth::Basic {
        username: Prometheus::USER.to_owned(),
        password: Secret::new(Prometheus::PASSWORD),
    };
    let config = PrometheusConfig { auth, ..PrometheusConfig::new(server.url()) };
    let backend = config.build(clock_at(MINUTES + 10)).unwrap();
    let all = measures(&backend, &data, MINUTE, 0.34).await;
    let nans = |points| BTreeMap::from([(LeftOutReason::NotANumber, points)]);
    for ((service, _), answered) in SERVICES.into_iter().zip(all) {
        let [latency, requests, errors] = &answered.metrics;
        // What came between a last scrape that is NaN and the first one after it is known of neither minute.
        assert_eq!((left_out(latency), left_out(requests)), (nans(2), nans(1)));
        assert_eq!(left_out(errors), BTreeMap::new());
        // All but what was left out was counted once. What a pod did while it could not be scraped is of no minute that is known.
        let is_seen = |of: &Requests| of.pod != SILENT.0 || !SILENT.1.contains(&of.minute);
        let expected = sent(&data, |of| {
            of.service == service && is_seen(of) && (of.pod, of.route, of.minute) != NAN_COUNTER
        });
        assert_eq!(counted(&requests.blocks, |_| true), expected, "{service}");
        let (pod, route, minute) = NAN_BUCKET;
        let is_known = |of: &&Requests| {
            (of.pod, of.route) != (pod, route) || !(minute..=minute + 1).contains(&of.minute)
        };
        let of_service = data.iter().filter(|of| of.service == service && is_seen(of)).filter(is_known);
        let timed: u64 = latency.blocks.iter().map(|block| histogram(&block.data)).sum();
        assert_eq!(timed, of_service.map(|of| of.took.len() as u64).sum::<u64>(), "{service}");
    }
}
