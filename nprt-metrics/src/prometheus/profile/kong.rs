use nprt_core::model::MetricName;

use super::data::{Data, Metric, Status, Track};
use crate::MetricUnit;
use crate::track::Named;

/// Kong 3 with `status_code_metrics` and `latency_metrics` of its Prometheus plugin. Its services are named
/// `<namespace>.<Service>.<port>` by the ingress controller, or as you name them. The canary needs a Service of its own.
pub(super) const DATA: Data = Data {
    track: Track::Name("service", Named::Service),
    version: None,
    pod: None,
    route: Some("route"),
    class: "code",
    select: r#"service=~"([^.]+[.])?{service}(-canary|-stable)?([.].*)?""#,
    status: &[Status::label("code")],
    metrics: &[
        (
            MetricName::LATENCY,
            // Kong does not divide times by code.
            Metric::Histogram(
                "sum by ({by}) ({increase}(kong_request_latency_ms_bucket{{select}}))",
                MetricUnit::Milliseconds,
            ),
        ),
        (
            MetricName::REQUESTS,
            Metric::Requests("sum by ({by}) ({increase}(kong_http_requests_total{{select}}))"),
        ),
        (
            MetricName::ERRORS,
            Metric::Classes(r#"sum by ({by}) ({increase}(kong_http_requests_total{{select},code=~"5.."}))"#),
        ),
    ],
};
