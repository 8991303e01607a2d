//! When a rollout is complete: the rules of `kubectl rollout status`, one function a kind.

use nprt_core::ports::{RolloutPhase, RolloutStatus};
use serde_json::Value;

use super::state::{Pods, Workload, joined, many};
use super::{deployment, sets};

/// The kinds that are followed, with their groups.
pub(super) const KINDS: [(&str, &str); 4] =
    [("apps", "DaemonSet"), ("apps", "Deployment"), ("batch", "Job"), ("apps", "StatefulSet")];

/// Where the rollout of `workload`, which is of one of [`KINDS`], stands.
pub(super) fn status(kind: &str, workload: &Value) -> RolloutStatus {
    let workload = Workload(workload);
    match kind {
        "StatefulSet" => sets::stateful_set(workload),
        "DaemonSet" => sets::daemon_set(workload),
        "Job" => job(workload),
        _ => deployment::status(workload),
    }
}

fn job(workload: Workload<'_>) -> RolloutStatus {
    let succeeded = workload.count("/status/succeeded");
    let pods = Pods {
        desired: workload.at("/spec/completions").and_then(Value::as_u64).unwrap_or(1),
        updated: workload.count("/status/active") + succeeded,
        ready: workload.count("/status/ready"),
    };
    let condition = |kind| workload.condition(kind).filter(|condition| condition.text("/status") == "True");
    if let Some(failed) = condition("Failed") {
        return pods.failed(format!(
            "the Job failed: {}: {}",
            failed.text("/reason"),
            failed.text("/message")
        ));
    }
    if condition("Complete").is_some() {
        return pods.status(RolloutPhase::Complete, format!("{} succeeded", many(succeeded)));
    }
    if workload.is_true("/spec/suspend") {
        return pods.failed("the Job is suspended");
    }
    let failed = workload.count("/status/failed");
    let parts = [
        (failed > 0).then(|| format!("{} failed", many(failed))),
        Some(format!("{succeeded} of {} pods succeeded", pods.desired)),
    ];
    pods.progressing(joined(parts).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn phase(kind: &str, workload: &Value) -> RolloutPhase {
        status(kind, workload).phase
    }

    #[test]
    fn what_was_observed_of_an_earlier_generation_does_not_count() {
        let of = |observed: u64| {
            json!({"metadata": {"generation": 2}, "spec": {"replicas": 1}, "status": {
                "observedGeneration": observed, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1,
                "availableReplicas": 1, "currentRevision": "a", "updateRevision": "a"}})
        };
        for kind in ["Deployment", "StatefulSet", "DaemonSet"] {
            assert_eq!(phase(kind, &of(1)), RolloutPhase::Progressing, "{kind}");
            assert_eq!(phase(kind, &of(2)), RolloutPhase::Complete, "{kind}");
        }
        assert_eq!(phase("Deployment", &json!({"metadata": {"generation": 1}})), RolloutPhase::Progressing);
    }

    #[test]
    fn a_job_counts_the_pods_that_failed_first() {
        let job = json!({"status": {"failed": 1}});
        assert_eq!(status("Job", &job).message, "1 pod failed, 0 of 1 pods succeeded");
    }

    #[test]
    fn a_job_ends_by_its_conditions() {
        let of = |kind: &str| json!({"status": {"conditions": [{"type": kind, "status": "True"}]}});
        assert_eq!(phase("Job", &of("Complete")), RolloutPhase::Complete);
        assert_eq!(phase("Job", &of("Failed")), RolloutPhase::Failed);
        assert_eq!(phase("Job", &json!({})), RolloutPhase::Progressing);
        assert_eq!(phase("Job", &json!({"spec": {"suspend": true}})), RolloutPhase::Failed);
    }
}
