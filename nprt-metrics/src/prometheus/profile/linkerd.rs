use nprt_core::model::MetricName;

use super::data::{Data, Metric, Status, Track};
use crate::MetricUnit;
use crate::track::Named;

/// Inbound, as the proxies of the service's own pods report; `deployment` and `pod` are there as Linkerd's own scrape
/// configuration sets them.
pub(super) const DATA: Data = Data {
    track: Track::Name("deployment", Named::Deployment),
    version: None,
    pod: Some("pod"),
    route: None,
    class: "status_code",
    select: r#"direction="inbound",deployment=~"{service}(-canary)?""#,
    // It knows gRPC's codes, too.
    status: &[Status::label("classification")],
    metrics: &[
        (
            MetricName::LATENCY,
            Metric::Histogram(
                r#"sum by ({by}) ({increase}(response_latency_ms_bucket{{select},status_code!~"5.."}))"#,
                MetricUnit::Milliseconds,
            ),
        ),
        (MetricName::REQUESTS, Metric::Requests("sum by ({by}) ({increase}(response_total{{select}}))")),
        (
            MetricName::ERRORS,
            // What failed by gRPC has the class `grpc 14`.
            Metric::Classes(
                r#"sum by ({by}) (label_replace(
                    {increase}(response_total{{select},classification="failure"}),
                    "status_code", "grpc $1", "grpc_status", "([1-9][0-9]*)"))"#,
            ),
        ),
    ],
};
