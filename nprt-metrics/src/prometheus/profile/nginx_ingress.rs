use nprt_core::model::MetricName;

use super::data::{Data, Metric, Status, Track};
use crate::MetricUnit;

/// By Ingress, which is named as the service. A canary has an Ingress of its own with the annotation
/// `nginx.ingress.kubernetes.io/canary`; its requests are counted under the first one's name, with the canary's upstream in
/// the label `canary`.
pub(super) const DATA: Data = Data {
    track: Track::Pattern { label: "canary", canary: "*-canary-*", stable: "" },
    version: None,
    pod: None,
    route: Some("path"),
    class: "status",
    select: r#"ingress="{service}""#,
    status: &[Status::label("status")],
    metrics: &[
        (
            MetricName::LATENCY,
            Metric::Histogram(
                r#"sum by ({by}) ({increase}(nginx_ingress_controller_request_duration_seconds_bucket{{select},status!~"5.."}))"#,
                MetricUnit::Seconds,
            ),
        ),
        (
            MetricName::REQUESTS,
            Metric::Requests("sum by ({by}) ({increase}(nginx_ingress_controller_requests{{select}}))"),
        ),
        (
            MetricName::ERRORS,
            Metric::Classes(
                r#"sum by ({by}) ({increase}(nginx_ingress_controller_requests{{select},status=~"5.."}))"#,
            ),
        ),
    ],
};
