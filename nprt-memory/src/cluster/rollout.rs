//! Rollouts that a clock drives: pods of a new template become ready one after another.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nprt_core::model::{Object, ObjectId};
use nprt_core::ports::{RolloutPhase, RolloutStatus};
use serde_json::Value;

/// How many nodes a DaemonSet runs on.
const NODES: u64 = 3;

/// On a pod template: `crash-loop`, `image-pull` or `never-ready` makes its pods fail so, and `fail` those of a
/// Job. The test kit's control plane reads the same annotation.
const BEHAVIOUR: &str = "/spec/template/metadata/annotations/sim~1behaviour";

/// The kinds that are followed: those of `apps` and, to its end, a Job.
pub(super) const KINDS: [&str; 5] = ["DaemonSet", "Deployment", "Job", "ReplicaSet", "StatefulSet"];

/// Whether a workload of this kind is followed.
pub(super) fn is_followed(id: &ObjectId) -> bool {
    is_rolled_out(id) || is_job(id)
}

/// Whether a workload of this kind replaces its pods.
pub(super) fn is_rolled_out(id: &ObjectId) -> bool {
    id.group() == "apps" && id.kind != "Job" && KINDS.contains(&id.kind.as_str())
}

/// Whether it runs to its end.
pub(super) fn is_job(id: &ObjectId) -> bool {
    id.group() == "batch" && id.kind == "Job"
}

/// The newest rollout of a workload.
#[derive(Debug, Clone)]
pub(super) struct Rollout {
    /// How often the pods were made: 1 at first, and one more with each new pod template.
    pub(super) number: u64,
    started: Timestamp,
    /// Pods of this template that were there when it started.
    kept: u64,
    /// Pods that were ready when it started.
    were_ready: u64,
    desired: u64,
}

impl Rollout {
    /// The rollout after `old` became `new`.
    pub(super) fn next(
        before: Option<(&Self, &Object)>,
        new: &Object,
        delay: Duration,
        now: Timestamp,
    ) -> Self {
        let desired = desired(new);
        let Some((rollout, old)) = before else {
            return Self { number: 1, started: now, kept: 0, were_ready: 0, desired };
        };
        let template = |object: &Object| object.as_value().pointer("/spec/template").cloned();
        let status = rollout.status(old, delay, now);
        if template(old) != template(new) {
            let number = rollout.number + 1;
            return Self { number, started: now, kept: 0, were_ready: status.ready.min(desired), desired };
        }
        if desired == rollout.desired {
            return rollout.clone();
        }
        let (kept, were_ready) = (status.updated.min(desired), status.ready.min(desired));
        Self { number: rollout.number, started: now, kept, were_ready, desired }
    }

    /// How far it is at `now`, when all pods take `delay`.
    pub(super) fn status(&self, workload: &Object, delay: Duration, now: Timestamp) -> RolloutStatus {
        let elapsed = elapsed(self.started, now);
        if self.number > 1 && is_on_delete(workload) {
            return self.kept();
        }
        if let Some(failure) = Failure::of(workload) {
            return self.failing(failure, workload, delay, elapsed);
        }
        let missing = self.desired.saturating_sub(self.kept);
        let done = if elapsed >= delay { missing } else { steps(elapsed, delay, missing) };
        let updated = self.kept.min(self.desired) + done;
        let complete = updated == self.desired;
        RolloutStatus {
            desired: self.desired,
            updated,
            ready: updated.max(self.were_ready),
            phase: if complete { RolloutPhase::Complete } else { RolloutPhase::Progressing },
            message: match workload.kind() {
                "Job" => format!("{updated} of {} pods succeeded", self.desired),
                _ => format!("{updated} of {} pods updated", self.desired),
            },
            warning: None,
        }
    }

    /// Nobody deletes pods of `updateStrategy: OnDelete` here: all keep their version.
    fn kept(&self) -> RolloutStatus {
        let keep = if self.desired == 1 { "pod keeps its" } else { "pods keep their" };
        let warning = format!("{} {keep} version: updateStrategy OnDelete", self.desired);
        RolloutStatus {
            desired: self.desired,
            updated: 0,
            ready: self.desired,
            phase: RolloutPhase::Complete,
            message: warning.clone(),
            warning: Some(warning),
        }
    }

    fn failing(
        &self,
        failure: Failure,
        workload: &Object,
        delay: Duration,
        elapsed: Duration,
    ) -> RolloutStatus {
        if self.desired == 0 {
            let phase = RolloutPhase::Complete;
            let message = "no pods".to_owned();
            return RolloutStatus { desired: 0, updated: 0, ready: 0, phase, message, warning: None };
        }
        let failed = failure.shows_after(workload, delay).is_some_and(|after| elapsed >= after);
        RolloutStatus {
            desired: self.desired,
            updated: self.kept.max(1),
            ready: self.were_ready,
            phase: if failed { RolloutPhase::Failed } else { RolloutPhase::Progressing },
            message: failure.message(self.desired, workload),
            warning: None,
        }
    }

    /// How long from `now` until the status may change by itself.
    pub(super) fn next_change(&self, workload: &Object, delay: Duration, now: Timestamp) -> Option<Duration> {
        let elapsed = elapsed(self.started, now);
        if let Some(failure) = Failure::of(workload) {
            return failure.shows_after(workload, delay)?.checked_sub(elapsed);
        }
        let missing = self.desired.saturating_sub(self.kept).max(1);
        let next = steps(elapsed, delay, missing) + 1;
        let at = delay.as_nanos().saturating_mul(u128::from(next)).div_ceil(u128::from(missing));
        Duration::from_nanos(u64::try_from(at).unwrap_or(u64::MAX)).checked_sub(elapsed)
    }
}

fn is_on_delete(workload: &Object) -> bool {
    let strategy = workload.as_value().pointer("/spec/updateStrategy/type").and_then(Value::as_str);
    strategy == Some("OnDelete")
}

/// How many of `all` steps are done after `elapsed` of `delay`.
fn steps(elapsed: Duration, delay: Duration, all: u64) -> u64 {
    let done = elapsed.as_nanos().saturating_mul(u128::from(all)) / delay.as_nanos().max(1);
    u64::try_from(done).unwrap_or(u64::MAX).min(all)
}

fn elapsed(since: Timestamp, now: Timestamp) -> Duration {
    let elapsed = now.duration_since(since);
    if elapsed < SignedDuration::ZERO { Duration::ZERO } else { elapsed.unsigned_abs() }
}

/// The pods that a workload wants.
pub(super) fn desired(workload: &Object) -> u64 {
    if workload.kind() == "DaemonSet" {
        return NODES;
    }
    let pods = if workload.kind() == "Job" { "/spec/completions" } else { "/spec/replicas" };
    workload.as_value().pointer(pods).and_then(Value::as_u64).unwrap_or(1)
}

/// How pods fail.
#[derive(Debug, Clone, Copy)]
enum Failure {
    CrashLoop,
    ImagePull,
    NeverReady,
    /// Of a Job alone.
    Fail,
}

impl Failure {
    fn of(workload: &Object) -> Option<Self> {
        match workload.as_value().pointer(BEHAVIOUR)?.as_str()? {
            "crash-loop" => Some(Self::CrashLoop),
            "image-pull" => Some(Self::ImagePull),
            "never-ready" => Some(Self::NeverReady),
            "fail" if workload.kind() == "Job" => Some(Self::Fail),
            _ => None,
        }
    }

    /// When it is clear that the rollout will not complete. A pod that is merely not ready shows by a
    /// Deployment's progress deadline alone; a Job waits for a pod that does not end.
    fn shows_after(self, workload: &Object, delay: Duration) -> Option<Duration> {
        match self {
            Self::Fail => Some(delay),
            _ if workload.kind() == "Job" => None,
            Self::CrashLoop | Self::ImagePull => Some(delay),
            Self::NeverReady if workload.kind() == "Deployment" => {
                let deadline = workload.as_value().pointer("/spec/progressDeadlineSeconds");
                Some(Duration::from_secs(deadline.and_then(Value::as_u64).unwrap_or(600)))
            }
            Self::NeverReady => None,
        }
    }

    /// As a real cluster's pods, containers and events tell it.
    fn message(self, desired: u64, workload: &Object) -> String {
        let text = |field: &str| {
            let pointer = format!("/spec/template/spec/containers/0/{field}");
            workload.as_value().pointer(&pointer).and_then(Value::as_str).unwrap_or_default()
        };
        let container = format!("container {}", text("name"));
        let why = match self {
            Self::CrashLoop => format!(
                "{container}: CrashLoopBackOff: back-off 40s restarting failed container (it ended last with code 1)"
            ),
            Self::ImagePull => {
                format!("{container}: ImagePullBackOff: Back-off pulling image {}: not found", text("image"))
            }
            Self::NeverReady => {
                "not Ready: ContainersNotReady: Unhealthy: Readiness probe failed: HTTP probe \
                failed with statuscode: 503"
                    .to_owned()
            }
            Self::Fail => format!("{container}: Error (code 1)"),
        };
        let stands = match (self, workload.kind()) {
            (Self::Fail, _) => "the Job failed: BackoffLimitExceeded".to_owned(),
            (_, "Job") => format!("0 of {desired} pods succeeded"),
            _ => format!("0 of {desired} updated pods available"),
        };
        format!("pod {}-1: {why}; {stands}", workload.name())
    }
}
