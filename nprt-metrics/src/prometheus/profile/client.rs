use nprt_core::model::MetricName;

use super::data::{Data, Metric, Status, Track};
use crate::MetricUnit;

/// The labels `service`, `track`, `version` and `pod` come from the pod, by relabelling.
pub(super) const DATA: Data = Data {
    track: Track::Value("track"),
    version: Some("version"),
    pod: Some("pod"),
    route: Some("route"),
    class: "code",
    select: r#"service="{service}""#,
    status: &[Status::label("code")],
    metrics: &[
        (
            MetricName::LATENCY,
            Metric::Histogram(
                r#"sum by ({by}) ({increase}(http_request_duration_seconds_bucket{{select},code!~"5.."}))"#,
                MetricUnit::Seconds,
            ),
        ),
        (MetricName::REQUESTS, Metric::Requests("sum by ({by}) ({increase}(http_requests_total{{select}}))")),
        (
            MetricName::ERRORS,
            Metric::Classes(r#"sum by ({by}) ({increase}(http_requests_total{{select},code=~"5.."}))"#),
        ),
        (
            MetricName::CPU,
            Metric::Value("sum by ({by}) (rate(process_cpu_seconds_total{{select}}[{window}]))"),
        ),
        (
            MetricName::MEMORY,
            Metric::Value("sum by ({by}) (avg_over_time(process_resident_memory_bytes{{select}}[{window}]))"),
        ),
    ],
};
