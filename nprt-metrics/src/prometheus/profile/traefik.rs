use nprt_core::model::MetricName;

use super::data::{Data, Metric, Status, Track};
use crate::track::Named;
use crate::{MetricUnit, RequestOutcome};

/// By Traefik's services. Those of Kubernetes' providers are named `<namespace>-<Service>-<port>@kubernetes…`, of an HTTPRoute
/// `…-svc-<namespace>-<Service>-<number>@kubernetesgateway`; those of a file `<name>@file`. The canary needs a Service of its own.
pub(super) const DATA: Data = Data {
    track: Track::Name("service", Named::Service),
    version: None,
    pod: None,
    route: None,
    class: "code",
    select: r#"service=~"(.*-)?{service}(-canary|-stable)?-[0-9a-z]+@kubernetes.*|{service}(-canary|-stable)?@.*""#,
    // Of gRPC, the label has gRPC's codes, by number.
    status: &[Status { label: "code", values: &GRPC }],
    metrics: &[
        (
            MetricName::LATENCY,
            Metric::Histogram(
                r#"sum by ({by}) ({increase}(traefik_service_request_duration_seconds_bucket{{select},code!~"5..|2|4|12|13|14|15"}))"#,
                MetricUnit::Seconds,
            ),
        ),
        (
            MetricName::REQUESTS,
            Metric::Requests("sum by ({by}) ({increase}(traefik_service_requests_total{{select}}))"),
        ),
        (
            MetricName::ERRORS,
            // What failed by gRPC has the class `grpc 14`.
            Metric::Classes(
                r#"sum by ({by}) (label_replace(
                    {increase}(traefik_service_requests_total{{select},code=~"5..|2|4|12|13|14|15"}),
                    "code", "grpc $1", "code", "([0-9]{1,2})"))"#,
            ),
        ),
    ],
};

/// Its codes are below any of HTTP.
const GRPC: [(&str, RequestOutcome); 17] = {
    const OK: RequestOutcome = RequestOutcome::Success;
    const FAILED: RequestOutcome = RequestOutcome::Failure;
    [
        ("0", OK),
        ("1", OK),
        ("2", FAILED),
        ("3", OK),
        ("4", FAILED),
        ("5", OK),
        ("6", OK),
        ("7", OK),
        ("8", OK),
        ("9", OK),
        ("10", OK),
        ("11", OK),
        ("12", FAILED),
        ("13", FAILED),
        ("14", FAILED),
        ("15", FAILED),
        ("16", OK),
    ]
};
