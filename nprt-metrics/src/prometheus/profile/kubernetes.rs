use nprt_core::model::MetricName;

use super::data::{Data, Metric, Track};
use crate::track::Named;

/// cAdvisor's `container_…`, which the kubelet has at `/metrics/cadvisor`, and kube-state-metrics' `kube_pod_…`, scraped
/// with `honor_labels: true`. The pods' names end as Kubernetes ends those of Deployments and StatefulSets: a Deployment
/// `web-api` is not a part of `web`.
pub(super) const DATA: Data = Data {
    track: Track::Name("pod", Named::Pod),
    version: None,
    pod: Some("pod"),
    route: None,
    class: "reason",
    select: r#"pod=~"{service}(-canary)?-([bcdfghjklmnpqrstvwxz2456789]{1,10}-[bcdfghjklmnpqrstvwxz2456789]{5}|[0-9]+)""#,
    status: &[],
    metrics: &[
        (
            MetricName::CPU,
            Metric::Value(
                r#"sum by ({by}) (rate(container_cpu_usage_seconds_total{{select},container!="",container!="POD"}[{window}]))"#,
            ),
        ),
        (
            MetricName::MEMORY,
            Metric::Value(
                r#"sum by ({by}) (avg_over_time(container_memory_working_set_bytes{{select},container!="",container!="POD"}[{window}]))"#,
            ),
        ),
        (
            "throttling",
            Metric::Value(
                r#"sum by ({by}) (rate(container_cpu_cfs_throttled_periods_total{{select},container!=""}[{window}])) / sum by ({by}) (rate(container_cpu_cfs_periods_total{{select},container!=""}[{window}]))"#,
            ),
        ),
        (
            "restarts",
            Metric::Value("sum by ({by}) ({increase}(kube_pod_container_status_restarts_total{{select}}))"),
        ),
        (
            "oom_kills",
            // Where a container ends by it, cAdvisor forgets the container and its count: the pod's status says it. Where the
            // container outlives the kill of a process, cAdvisor alone knows. Either may be missing.
            Metric::Value(
                r#"sum by ({by}) (
                    {increase}(kube_pod_container_status_restarts_total{{select}}) and on (namespace, pod, container)
                        last_over_time(kube_pod_container_status_last_terminated_reason{{select},reason="OOMKilled"}[{window}])
                    or 0 * last_over_time(kube_pod_container_status_restarts_total{{select}}[{window}])
                    or {increase}(container_oom_events_total{{select},container!=""}))"#,
            ),
        ),
    ],
};
