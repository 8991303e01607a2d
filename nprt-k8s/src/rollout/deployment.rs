//! When the rollout of a Deployment is complete, and when it has failed.

use std::time::Duration;

use jiff::Timestamp;
use nprt_core::ports::{RolloutPhase, RolloutStatus};
use serde_json::Value;

use super::rules::{Pods, Workload};

pub(super) fn status(workload: Workload<'_>) -> RolloutStatus {
    let pods = Pods {
        desired: workload.replicas(),
        updated: workload.count("/status/updatedReplicas"),
        ready: workload.count("/status/readyReplicas"),
    };
    if !workload.is_observed() {
        return Pods { updated: 0, ..pods }.unobserved();
    }
    let (all, available) = (workload.count("/status/replicas"), workload.count("/status/availableReplicas"));
    let mut waits_for = if pods.updated < pods.desired {
        format!("{} of {} pods updated", pods.updated, pods.desired)
    } else if all > pods.updated {
        format!("{} pods of an older version are ending", all - pods.updated)
    } else if available < pods.updated {
        format!("{available} of {} updated pods available", pods.updated)
    } else {
        return pods.complete();
    };
    if let Some(failure) = workload.condition("ReplicaFailure").filter(|c| c.text("/status") == "True") {
        waits_for = format!("{waits_for}: {}", failure.text("/message"));
    }
    if let Some(exceeded) = exceeded(workload).filter(|exceeded| !is_stale(workload, *exceeded)) {
        return pods.failed(format!("{waits_for}: {}", exceeded.text("/message")));
    }
    if workload.is_true("/spec/paused") {
        return pods.failed(format!("{waits_for}, and the Deployment is paused"));
    }
    pods.progressing(waits_for)
}

/// The condition that says that a Deployment's progress deadline has passed.
fn exceeded(workload: Workload<'_>) -> Option<Workload<'_>> {
    workload
        .condition("Progressing")
        .filter(|condition| condition.text("/reason") == "ProgressDeadlineExceeded")
}

/// Whether the condition was there before the Deployment was last written: it stays when an earlier version
/// comes back, until there is progress. Times are whole seconds, and so is the shortest deadline: in the same
/// second it cannot have passed.
fn is_stale(workload: Workload<'_>, condition: Workload<'_>) -> bool {
    let updated = condition.text("/lastUpdateTime").parse::<Timestamp>();
    updated.is_ok_and(|updated| workload.written().is_some_and(|written| updated <= written))
}

/// How long to wait for progress where only an earlier rollout is told, its failure or its success: the
/// controller does not say anew that this one makes none. (It takes no progress for a failure only after it has
/// seen progress, and misses that where it goes from one ReplicaSet to another that was there already at once.)
pub(super) fn patience(workload: &Value) -> Option<Duration> {
    let workload = Workload(workload);
    let waits = status(workload).phase == RolloutPhase::Progressing;
    let earlier = exceeded(workload).is_some_and(|condition| is_stale(workload, condition))
        || workload.condition("Progressing").is_some_and(|c| c.text("/reason") == "NewReplicaSetAvailable");
    let seconds = workload.at("/spec/progressDeadlineSeconds").and_then(Value::as_u64).unwrap_or(600);
    (waits && workload.is_observed() && earlier).then(|| Duration::from_secs(seconds))
}

/// How far it has come: more of either is progress.
pub(super) fn progress(workload: &Value) -> (u64, u64) {
    let workload = Workload(workload);
    (workload.count("/status/updatedReplicas"), workload.count("/status/availableReplicas"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_deployment_waits_for_old_pods_and_fails_at_its_deadline() {
        let of = |all: u64, available: u64, reason: &str| {
            json!({"metadata": {"generation": 1}, "spec": {"replicas": 2}, "status": {
                "observedGeneration": 1, "replicas": all, "updatedReplicas": 2, "availableReplicas": available,
                "conditions": [{"type": "Progressing", "reason": reason, "message": "too slow"}]}})
        };
        let status = |workload: Value| status(Workload(&workload));
        assert_eq!(status(of(3, 2, "")).message, "1 pods of an older version are ending");
        assert_eq!(status(of(2, 1, "")).message, "1 of 2 updated pods available");
        let failed = status(of(2, 1, "ProgressDeadlineExceeded"));
        assert_eq!((failed.phase, failed.message.contains("too slow")), (RolloutPhase::Failed, true));
        assert_eq!(status(of(2, 2, "ProgressDeadlineExceeded")).phase, RolloutPhase::Complete);
    }

    #[test]
    fn the_failure_of_an_earlier_version_is_not_that_of_this_one() {
        let of = |written: &str| {
            json!({
                "metadata": {"generation": 3, "managedFields": [
                    {"time": written}, {"time": "2026-01-01T00:09:00Z", "subresource": "status"}]},
                "spec": {"replicas": 1, "progressDeadlineSeconds": 7},
                "status": {"observedGeneration": 3, "replicas": 2, "updatedReplicas": 1, "conditions": [
                    {"type": "Progressing", "reason": "ProgressDeadlineExceeded",
                        "lastUpdateTime": "2026-01-01T00:05:00Z"}]},
            })
        };
        let earlier = of("2026-01-01T00:05:00Z");
        assert_eq!(status(Workload(&earlier)).phase, RolloutPhase::Progressing);
        assert_eq!(patience(&earlier), Some(Duration::from_secs(7)));
        let mut told_of_success = earlier.clone();
        told_of_success["status"]["conditions"][0]["reason"] = json!("NewReplicaSetAvailable");
        assert_eq!(patience(&told_of_success), Some(Duration::from_secs(7)));
        told_of_success["status"]["conditions"][0]["reason"] = json!("ReplicaSetUpdated");
        assert_eq!(patience(&told_of_success), None);
        let own = of("2026-01-01T00:04:59Z");
        assert_eq!(status(Workload(&own)).phase, RolloutPhase::Failed);
        assert_eq!(patience(&own), None);
    }
}
