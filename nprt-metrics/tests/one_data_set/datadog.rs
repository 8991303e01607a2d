//! Through the fake of Datadog's API, latency as a distribution.

use nprt_core::model::Secret;
use nprt_metrics::MetricUnit;
use nprt_metrics::datadog::{DatadogConfig, DatadogMetric, DatadogProfile};

use crate::account::Account;
use crate::answered::{counted, measures, sent};
use crate::data::{MINUTES, SERVICES, requests, version};
use crate::support::{MINUTE, clock_at, name};

/// As many edges as Datadog's traces are asked for by default.
const EDGES: [f64; 16] =
    [0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0];

#[tokio::test]
async fn datadog_measures_it() {
    let (data, mut account) = (requests(), Account::default());
    for of in &data {
        let mut send = |metric: &str, more: Option<(&str, &str)>, numbers: &[f64]| {
            let mut tags = vec![("service", of.service), ("track", of.track.as_str())];
            tags.extend([("version", version(of.track)), ("pod_name", of.pod), ("route", of.route)]);
            tags.extend(more);
            account.send(metric, MINUTE + of.minute, &tags, numbers);
        };
        let took: Vec<f64> = of.took.iter().map(|took| f64::from(*took) / 1e6).collect();
        send("shop.latency", None, &took);
        send("shop.http_requests.count", Some(("code", "200")), &[took.len() as f64]);
        for (status, failed) in of.failed.iter().filter(|(_, failed)| *failed > 0) {
            send("shop.http_requests.count", Some(("code", status)), &[f64::from(*failed)]);
        }
    }
    let fake = account.serve().await;
    let profile = DatadogProfile::Openmetrics { namespace: "shop".to_owned() };
    let mut config = DatadogConfig::of(Secret::new("s3cret-api"), Secret::new("s3cret-app"), &profile);
    config.url = Some(fake.uri());
    let latency = |what: &str| format!("{what}:shop.latency{{service:{{service}}}} by {{{{by}}}}.as_count()");
    let distribution = DatadogMetric::Distribution {
        below: latency("count(v: v<={edge})"),
        total: latency("count"),
        edges: EDGES.to_vec(),
        unit: MetricUnit::Seconds,
    };
    config.metrics.insert(name("latency"), distribution);
    let backend = config.build(clock_at(MINUTES + 10)).unwrap();
    let all = measures(&backend, &data, MINUTE, 0.34).await;
    for ((service, _), answered) in SERVICES.into_iter().zip(all) {
        let expected = sent(&data, |of| of.service == service);
        assert_eq!(counted(&answered.metrics[1].blocks, |_| true), expected);
    }
}
