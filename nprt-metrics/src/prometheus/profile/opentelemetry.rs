use nprt_core::model::MetricName;

use super::data::{Data, Metric, Status, Track};
use crate::{MetricUnit, RequestOutcome};

/// Semantic conventions for HTTP, 1.23 and later, as the SDKs' Prometheus exporters and Prometheus' OTLP receiver name
/// them. The labels `service`, `track`, `version` and `pod` come from the pod, by relabelling, or from promoted
/// attributes of the resource.
pub(super) const DATA: Data = Data {
    track: Track::Value("track"),
    version: Some("version"),
    pod: Some("pod"),
    route: Some("http_route"),
    class: "error_type",
    select: r#"service="{service}""#,
    // Without an answer there is no status: the error's type says that it failed.
    status: &[
        Status::label("http_response_status_code"),
        Status { label: "error_type", values: &[("*", RequestOutcome::Failure)] },
    ],
    metrics: &[
        (
            MetricName::LATENCY,
            Metric::Histogram(
                r#"sum by ({by}) ({increase}(http_server_request_duration_seconds_bucket{{select},http_response_status_code!~"5..|"}))"#,
                MetricUnit::Seconds,
            ),
        ),
        (
            MetricName::REQUESTS,
            Metric::Requests(
                "sum by ({by}) ({increase}(http_server_request_duration_seconds_count{{select}}))",
            ),
        ),
        (
            MetricName::ERRORS,
            Metric::Classes(
                r#"sum by ({by}) ({increase}(http_server_request_duration_seconds_count{{select},http_response_status_code=~"5..|"}))"#,
            ),
        ),
    ],
};
