use nprt_core::model::MetricName;

use super::data::{Data, Metric, Status, Track};
use crate::track::Named;
use crate::{MetricUnit, RequestOutcome};

/// As the destination's proxy reports. Istio names the Deployment, and so the track needs no relabelling.
pub(super) const DATA: Data = Data {
    track: Track::Name("destination_workload", Named::Deployment),
    version: Some("destination_version"),
    pod: Some("pod"),
    route: None,
    class: "response_code",
    select: r#"reporter=~"destination|waypoint",destination_workload=~"{service}(-canary)?""#,
    // 0 is a request that the client gave up, and nothing answered; of gRPC it is OK.
    status: &[
        Status { label: "response_code", values: &[("0", RequestOutcome::Failure)] },
        Status::label("grpc_response_status"),
    ],
    metrics: &[
        (
            MetricName::LATENCY,
            Metric::Histogram(
                r#"sum by ({by}) ({increase}(istio_request_duration_milliseconds_bucket{{select},response_code!~"5..|0"}))"#,
                MetricUnit::Milliseconds,
            ),
        ),
        (
            MetricName::REQUESTS,
            Metric::Requests("sum by ({by}) ({increase}(istio_requests_total{{select}}))"),
        ),
        (
            MetricName::ERRORS,
            // What failed by gRPC alone has the class `grpc 14`.
            Metric::Classes(
                r#"sum by ({by}) (label_replace(
                    {increase}(istio_requests_total{{select},response_code=~"5..|0"})
                    or {increase}(istio_requests_total{{select},response_code!~"5..|0",grpc_response_status=~"2|4|12|13|14|15"}),
                    "response_code", "grpc $1", "grpc_response_status", "([1-9][0-9]*)"))"#,
            ),
        ),
    ],
};
