use nprt_core::model::MetricName;

use super::data::{Data, Metric, Status, Track};
use crate::MetricUnit;
use crate::track::Named;

/// By Traefik's services, which are named `<namespace>-<Service>-<port>@<provider>`, or as a file has them. The canary needs a
/// Service of its own.
pub(super) const DATA: Data = Data {
    track: Track::Name("service", Named::Service),
    version: None,
    pod: None,
    route: None,
    class: "code",
    select: r#"service=~"(.*-)?{service}(-canary|-stable)?(-[0-9a-z]+)?@.*""#,
    status: &[Status::label("code")],
    metrics: &[
        (
            MetricName::LATENCY,
            Metric::Histogram(
                r#"sum by ({by}) ({increase}(traefik_service_request_duration_seconds_bucket{{select},code!~"5.."}))"#,
                MetricUnit::Seconds,
            ),
        ),
        (
            MetricName::REQUESTS,
            Metric::Requests("sum by ({by}) ({increase}(traefik_service_requests_total{{select}}))"),
        ),
        (
            MetricName::ERRORS,
            Metric::Classes(
                r#"sum by ({by}) ({increase}(traefik_service_requests_total{{select},code=~"5.."}))"#,
            ),
        ),
    ],
};
