//! When the rollout of a Deployment is complete, and when it has failed.

use std::time::Duration;

use jiff::Timestamp;
use nprt_core::ports::{RolloutPhase, RolloutStatus};
use serde_json::Value;

use super::state::{Pods, Workload, joined, many};

pub(super) fn status(workload: Workload<'_>) -> RolloutStatus {
    let pods = Pods {
        desired: workload.replicas(),
        updated: workload.count("/status/updatedReplicas"),
        ready: workload.count("/status/readyReplicas"),
    };
    if !workload.is_observed() {
        return Pods { updated: 0, ..pods }.unobserved();
    }
    // Pods that end already are not among them.
    let (all, available) = (workload.count("/status/replicas"), workload.count("/status/availableReplicas"));
    let old = all.saturating_sub(pods.updated);
    // Old pods go as new ones become available: while some are left, what is not available is new.
    let new_available = available.saturating_sub(old).min(pods.updated);
    let Some(mut waits_for) = waits_for(pods, old, new_available) else { return pods.complete() };
    if workload.is_true("/spec/paused") {
        return paused(pods, all, new_available, waits_for);
    }
    if let Some(failure) = workload.condition("ReplicaFailure").filter(|c| c.text("/status") == "True") {
        waits_for = format!("{}; {waits_for}", failure.text("/message"));
    }
    if let Some(exceeded) = exceeded(workload).filter(|exceeded| !is_stale(workload, *exceeded)) {
        return pods.failed(format!("{waits_for}: {}", exceeded.text("/message")));
    }
    pods.progressing(waits_for)
}

/// What is missing, if anything is: what the rest waits for comes first.
fn waits_for(pods: Pods, old: u64, new_available: u64) -> Option<String> {
    let Pods { desired, updated, .. } = pods;
    let parts = [
        (new_available < updated).then(|| format!("{new_available} of {updated} updated pods available")),
        (updated < desired).then(|| format!("{updated} of {desired} pods updated")),
        (old > 0).then(|| format!("{} of an older version still there", many(old))),
    ];
    joined(parts)
}

/// A paused Deployment replaces no pods: those that it has keep their version.
fn paused(pods: Pods, all: u64, new_available: u64, waits_for: String) -> RolloutStatus {
    let old = all.saturating_sub(pods.updated);
    if all == 0 {
        return pods.failed(format!(
            "the Deployment is paused, so it starts no pods: resume it with `kubectl rollout resume`; {waits_for}"
        ));
    }
    if old == 0 || new_available < pods.updated {
        return pods.progressing(waits_for);
    }
    pods.kept(old, "the Deployment is paused until somebody resumes it (`kubectl rollout resume`)")
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
        assert_eq!(status(of(3, 3, "")).message, "1 pod of an older version still there");
        assert_eq!(status(of(4, 4, "")).message, "2 pods of an older version still there");
        // The new pods hold it up, not the old ones.
        let waits = "1 of 2 updated pods available, 1 pod of an older version still there";
        assert_eq!(status(of(3, 2, "")).message, waits);
        assert_eq!(status(of(2, 1, "")).message, "1 of 2 updated pods available");
        let failed = status(of(2, 1, "ProgressDeadlineExceeded"));
        assert_eq!((failed.phase, failed.message.contains("too slow")), (RolloutPhase::Failed, true));
        assert_eq!(status(of(2, 2, "ProgressDeadlineExceeded")).phase, RolloutPhase::Complete);
    }

    #[test]
    fn a_refusal_by_quota_comes_before_the_counts() {
        let workload = json!({"metadata": {"generation": 1}, "spec": {"replicas": 3}, "status": {
            "observedGeneration": 1, "replicas": 3, "availableReplicas": 3,
            "conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]}});
        let expected = "exceeded quota; 0 of 3 pods updated, 3 pods of an older version still there";
        assert_eq!(status(Workload(&workload)).message, expected);
    }

    #[test]
    fn a_paused_deployment_keeps_its_pods_and_starts_none() {
        let of = |all: u64, updated: u64, available: u64| {
            let workload = json!({"metadata": {"generation": 2}, "spec": {"replicas": 2, "paused": true}, "status": {
                "observedGeneration": 2, "replicas": all, "updatedReplicas": updated, "availableReplicas": available}});
            status(Workload(&workload))
        };
        let kept = of(2, 0, 2);
        assert_eq!(kept.phase, RolloutPhase::Complete, "{kept:?}");
        assert!(kept.warning.unwrap().starts_with("2 pods keep their version: the Deployment is paused"));
        assert_eq!(of(2, 0, 1).phase, RolloutPhase::Complete, "an old pod that is broken holds up nothing");
        assert_eq!(of(2, 1, 1).phase, RolloutPhase::Progressing, "the new pod is not available");
        assert_eq!(of(3, 1, 3).phase, RolloutPhase::Complete);
        assert_eq!(of(0, 0, 0).phase, RolloutPhase::Failed, "a new one never starts");
        assert_eq!(of(2, 2, 2).warning, None, "it was paused after its rollout");
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
