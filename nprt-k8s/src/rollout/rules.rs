//! When a rollout is complete: the rules of `kubectl rollout status`, one function a kind.

use std::time::Duration;

use jiff::Timestamp;
use nprt_core::ports::{RolloutPhase, RolloutStatus};
use serde_json::Value;

/// Where the rollout of `workload` stands. A kind that has none is complete.
pub(super) fn status(kind: &str, workload: &Value) -> RolloutStatus {
    let workload = Workload(workload);
    match kind {
        "Deployment" => deployment(workload),
        "StatefulSet" => stateful_set(workload),
        "DaemonSet" => daemon_set(workload),
        "Job" => job(workload),
        _ => Pods::default().complete(),
    }
}

#[derive(Clone, Copy)]
struct Workload<'a>(&'a Value);

impl<'a> Workload<'a> {
    fn at(self, pointer: &str) -> Option<&'a Value> {
        self.0.pointer(pointer)
    }

    /// A number, 0 where the server leaves it out.
    fn count(self, pointer: &str) -> u64 {
        self.at(pointer).and_then(Value::as_u64).unwrap_or(0)
    }

    fn text(self, pointer: &str) -> &'a str {
        self.at(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    fn is_true(self, pointer: &str) -> bool {
        self.at(pointer).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Replicas wanted: 1 where nobody says.
    fn replicas(self) -> u64 {
        self.at("/spec/replicas").and_then(Value::as_u64).unwrap_or(1)
    }

    /// Whether the controller has seen the newest version of the object. What it said before is of an
    /// earlier rollout.
    fn is_observed(self) -> bool {
        self.count("/status/observedGeneration") >= self.count("/metadata/generation").max(1)
    }

    fn condition(self, kind: &str) -> Option<Workload<'a>> {
        let conditions = self.at("/status/conditions").and_then(Value::as_array)?;
        conditions.iter().map(Workload).find(|condition| condition.text("/type") == kind)
    }
}

/// The figures of a status.
#[derive(Clone, Copy, Default)]
struct Pods {
    desired: u64,
    updated: u64,
    ready: u64,
}

impl Pods {
    fn status(self, phase: RolloutPhase, message: impl Into<String>) -> RolloutStatus {
        let Self { desired, updated, ready } = self;
        RolloutStatus { desired, updated, ready, phase, message: message.into() }
    }

    fn progressing(self, message: impl Into<String>) -> RolloutStatus {
        self.status(RolloutPhase::Progressing, message)
    }

    fn failed(self, message: impl Into<String>) -> RolloutStatus {
        self.status(RolloutPhase::Failed, message)
    }

    fn complete(self) -> RolloutStatus {
        self.status(
            RolloutPhase::Complete,
            format!("{} of {} pods updated and ready", self.updated, self.desired),
        )
    }

    fn unobserved(self) -> RolloutStatus {
        self.progressing("the controller has not seen the change yet")
    }
}

fn deployment(workload: Workload<'_>) -> RolloutStatus {
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
    let time = |of: Workload<'_>, pointer: &str| of.text(pointer).parse::<Timestamp>().ok();
    let managers = workload.at("/metadata/managedFields").and_then(Value::as_array);
    let writers = managers.into_iter().flatten().map(Workload).filter(|w| w.text("/subresource") != "status");
    let written = writers.filter_map(|writer| time(writer, "/time")).max();
    match (time(condition, "/lastUpdateTime"), written) {
        (Some(updated), Some(written)) => updated <= written,
        _ => false,
    }
}

/// How long to wait for progress where only an earlier rollout's failure is told: the controller does not
/// say it anew when this one makes none.
pub(super) fn patience(kind: &str, workload: &Value) -> Option<Duration> {
    let workload = Workload(workload);
    let waits = kind == "Deployment" && deployment(workload).phase == RolloutPhase::Progressing;
    let stale = exceeded(workload).is_some_and(|condition| is_stale(workload, condition));
    let seconds = workload.at("/spec/progressDeadlineSeconds").and_then(Value::as_u64).unwrap_or(600);
    (waits && workload.is_observed() && stale).then(|| Duration::from_secs(seconds))
}

fn stateful_set(workload: Workload<'_>) -> RolloutStatus {
    let pods = Pods {
        desired: workload.replicas(),
        updated: workload.count("/status/updatedReplicas"),
        ready: workload.count("/status/readyReplicas"),
    };
    if !workload.is_observed() {
        return Pods { updated: 0, ..pods }.unobserved();
    }
    // Pods below the partition stay as they are, on purpose.
    let wanted = pods.desired.saturating_sub(workload.count("/spec/updateStrategy/rollingUpdate/partition"));
    let same_revision = workload.text("/status/updateRevision") == workload.text("/status/currentRevision");
    let updated = pods.updated >= wanted || same_revision;
    if !updated && workload.text("/spec/updateStrategy/type") == "OnDelete" {
        return pods.failed(on_delete(pods));
    }
    if !updated {
        return pods.progressing(format!("{} of {wanted} pods updated", pods.updated));
    }
    if pods.ready < pods.desired {
        return pods.progressing(format!("{} of {} pods ready", pods.ready, pods.desired));
    }
    let all = workload.count("/status/replicas");
    if all > pods.desired {
        return pods.progressing(format!("{} pods too many are ending", all - pods.desired));
    }
    pods.complete()
}

fn daemon_set(workload: Workload<'_>) -> RolloutStatus {
    let pods = Pods {
        desired: workload.count("/status/desiredNumberScheduled"),
        updated: workload.count("/status/updatedNumberScheduled"),
        ready: workload.count("/status/numberReady"),
    };
    if !workload.is_observed() {
        return Pods { updated: 0, ..pods }.unobserved();
    }
    if pods.updated < pods.desired {
        if workload.text("/spec/updateStrategy/type") == "OnDelete" {
            return pods.failed(on_delete(pods));
        }
        return pods.progressing(format!("{} of {} pods updated", pods.updated, pods.desired));
    }
    let available = workload.count("/status/numberAvailable");
    if available < pods.desired {
        return pods.progressing(format!("{available} of {} updated pods available", pods.desired));
    }
    pods.complete()
}

fn on_delete(pods: Pods) -> String {
    format!(
        "{} of {} pods updated; the others are when somebody deletes them (updateStrategy: OnDelete)",
        pods.updated, pods.desired
    )
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
        return pods.status(RolloutPhase::Complete, format!("{succeeded} pods succeeded"));
    }
    if workload.is_true("/spec/suspend") {
        return pods.failed("the Job is suspended");
    }
    pods.progressing(format!("{succeeded} of {} pods succeeded", pods.desired))
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
    fn a_deployment_waits_for_old_pods_and_fails_at_its_deadline() {
        let of = |all: u64, available: u64, reason: &str| {
            json!({"metadata": {"generation": 1}, "spec": {"replicas": 2}, "status": {
                "observedGeneration": 1, "replicas": all, "updatedReplicas": 2, "availableReplicas": available,
                "conditions": [{"type": "Progressing", "reason": reason, "message": "too slow"}]}})
        };
        let status = |workload: Value| status("Deployment", &workload);
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
        assert_eq!(phase("Deployment", &earlier), RolloutPhase::Progressing);
        assert_eq!(patience("Deployment", &earlier), Some(Duration::from_secs(7)));
        let own = of("2026-01-01T00:04:59Z");
        assert_eq!(phase("Deployment", &own), RolloutPhase::Failed);
        assert_eq!(patience("Deployment", &own), None);
    }

    #[test]
    fn a_partition_leaves_pods_as_they_are() {
        let of = |partition: u64| {
            json!({"metadata": {"generation": 1},
                "spec": {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": partition}}},
                "status": {"observedGeneration": 1, "replicas": 3, "updatedReplicas": 1, "readyReplicas": 3,
                    "currentRevision": "a", "updateRevision": "b"}})
        };
        assert_eq!(phase("StatefulSet", &of(2)), RolloutPhase::Complete);
        assert_eq!(phase("StatefulSet", &of(0)), RolloutPhase::Progressing);
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
