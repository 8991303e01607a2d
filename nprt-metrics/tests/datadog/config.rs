//! Profiles, what replaces parts of them, and what is refused.

use nprt_core::model::{MetricName, Secret};
use nprt_metrics::datadog::{DatadogApi, DatadogConfig, DatadogMetric, DatadogProfile};
use nprt_metrics::{MetricUnit, Named, TrackLabel};
use serde_json::{Value, json};

use crate::support::{clock_at, name};

/// A configuration with keys and these fields.
fn read(fields: Value) -> Result<DatadogConfig, String> {
    let mut config = json!({"api_key": "s3cret", "application_key": "s3cret"});
    let Value::Object(fields) = fields else { panic!("{fields}") };
    config.as_object_mut().unwrap().extend(fields);
    serde_json::from_value(config).map_err(|error| error.to_string())
}

#[test]
fn a_profile_and_what_replaces_parts_of_it() {
    let apm = read(json!({"profile": "datadog-apm", "operation": "servlet.request"})).unwrap();
    let DatadogMetric::Requests { requests, .. } = &apm.metrics[&name("requests")] else { panic!() };
    assert_eq!(requests, "sum:trace.servlet.request.hits{service:{service}} by {{by}}.as_count()");
    assert_eq!(apm.tags.track, TrackLabel::Name { label: "version".to_owned(), names: Named::Version });

    let value =
        json!({"shape": "value", "query": "p95:x{service:{service}} by {{by}}", "unit": "milliseconds"});
    let changed = json!({
        "profile": "datadog-openmetrics", "namespace": "shop", "site": "datadoghq.eu", "api": "v1",
        "tags": {"track": {"label": "pod_name", "names": "pod"}, "route": null},
        "metrics": {"latency": value, "memory": null},
    });
    let changed = read(changed).unwrap();
    assert_eq!((changed.site.as_str(), changed.api), ("datadoghq.eu", DatadogApi::V1));
    assert_eq!((changed.tags.route.as_deref(), changed.tags.pod.as_deref()), (None, Some("pod_name")));
    assert_eq!(changed.tags.track.label(), "pod_name");
    let DatadogMetric::Value { unit: MetricUnit::Milliseconds, .. } = changed.metrics[&name("latency")]
    else {
        panic!("{changed:?}")
    };
    let names: Vec<&str> = changed.metrics.keys().map(MetricName::as_str).collect();
    assert_eq!(names, ["cpu", "errors", "latency", "requests"]);
    changed.build(clock_at(0)).unwrap();

    // Without a profile, the metrics are all that there are; without either, it is `datadog-apm`.
    let own =
        json!({"errors": {"shape": "classes", "query": "sum:x{service:{service}} by {{by}}.as_count()"}});
    assert_eq!(read(json!({"metrics": own})).unwrap().metrics.len(), 1);
    assert_eq!(read(json!({})).unwrap().metrics, DatadogProfile::default().metrics());
}

#[test]
fn a_wrong_profile_is_refused() {
    for (fields, text) in [
        (json!({"profile": "datadog"}), "datadog-apm"),
        (json!({"profile": "datadog-openmetrics"}), "namespace"),
        (json!({"profile": "datadog-openmetrics", "namespace": "a b"}), "namespace"),
        (json!({"profile": "datadog-openmetrics", "namespace": "a", "operation": "b"}), "operation"),
        (json!({"profile": "datadog-apm", "namespace": "a"}), "namespace"),
        (json!({"profile": "datadog-apm", "operation": "a{"}), "operation"),
        (json!({"sites": 1}), "sites"),
        (json!({"tags": {"tracks": "x"}}), "tracks"),
    ] {
        let error = read(fields).unwrap_err();
        assert!(error.contains(text) && !error.contains("s3cret"), "{error}");
    }
}

#[test]
fn a_wrong_configuration_is_refused() {
    let refused = |change: &dyn Fn(&mut DatadogConfig), text: &str| {
        let mut config = DatadogConfig::new(Secret::new("s3cret"), Secret::new("s3cret"));
        assert!(!format!("{config:?}").contains("s3cret"));
        change(&mut config);
        let error = config.build(clock_at(0)).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(text), "{error}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    };
    refused(&|config| config.site = "evil.example/x?".to_owned(), "site");
    refused(&|config| config.url = Some("http://s3cret@proxy".to_owned()), "credentials");
    refused(&|config| config.api_key = Secret::new(""), "api_key");
    refused(&|config| config.application_key = Secret::new("s3cret\n"), "application_key");
    refused(&|config| config.metrics.clear(), "metrics");
    refused(&|config| config.tags.track = "a,b".into(), "a,b");
    refused(&|config| config.max_response_bytes = 0, "max_response_bytes");
    refused(&|config| drop(config.headers.insert("a b".to_owned(), Secret::new("x"))), "headers");
    refused(&|config| drop(config.headers.insert("a".to_owned(), Secret::new("s3cret\n"))), "header: a");
    let mine = |metric: DatadogMetric| {
        move |config: &mut DatadogConfig| {
            config.metrics.insert(name("mine"), metric.clone());
        }
    };
    let value = |query: &str, scale| {
        mine(DatadogMetric::Value { query: query.to_owned(), scale, unit: MetricUnit::None })
    };
    refused(&value("avg:x{*}", 1.0), "mine");
    refused(&value("avg:x{service:{service}}", f64::NAN), "scale");
    refused(&value("avg:x{service:{service}}.rollup(avg, 300)", 1.0), "60 seconds");
    let distribution = |below: &str, edges: &[f64]| {
        let total = "count:x{service:{service}} by {{by}}.as_count()".to_owned();
        let (below, edges) = (format!("{below}{{service:{{service}}}} by {{{{by}}}}"), edges.to_vec());
        mine(DatadogMetric::Distribution { below, total, edges, unit: MetricUnit::None })
    };
    refused(&distribution("count(v: v<=1):x", &[1.0]), "{edge}");
    for edges in [vec![], vec![2.0, 1.0], vec![f64::NAN], vec![1.0; 101]] {
        refused(&distribution("count(v: v<={edge}):x", &edges), "ascending edges");
    }
}
