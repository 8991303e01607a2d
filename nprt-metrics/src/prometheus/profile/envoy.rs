use nprt_core::model::MetricName;

use super::data::{Data, Metric, Status, Track};
use crate::MetricUnit;
use crate::track::Named;

/// By cluster, as a proxy in front of the service counts: its names hold that of a Service, between anything that
/// is no part of such a name. The canary needs a cluster of its own.
pub(super) const DATA: Data = Data {
    track: Track::Name("envoy_cluster_name", Named::Service),
    version: None,
    pod: None,
    route: None,
    class: "envoy_response_code",
    select: r#"envoy_cluster_name=~"(.*[^a-z0-9-])?{service}(-canary|-stable)?([^a-z0-9-].*)?""#,
    status: &[Status::label("envoy_response_code")],
    metrics: &[
        (
            MetricName::LATENCY,
            // Envoy does not divide times by code.
            Metric::Histogram(
                "sum by ({by}) ({increase}(envoy_cluster_upstream_rq_time_bucket{{select}}))",
                MetricUnit::Milliseconds,
            ),
        ),
        (
            MetricName::REQUESTS,
            Metric::Requests("sum by ({by}) ({increase}(envoy_cluster_upstream_rq{{select}}))"),
        ),
        (
            MetricName::ERRORS,
            Metric::Classes(
                r#"sum by ({by}) ({increase}(envoy_cluster_upstream_rq{{select},envoy_response_code=~"5.."}))"#,
            ),
        ),
    ],
};
