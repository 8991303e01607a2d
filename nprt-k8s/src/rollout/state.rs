//! What a workload's object says of its rollout, and the status that is made of it.

use jiff::Timestamp;
use nprt_core::ports::{RolloutPhase, RolloutStatus};
use serde_json::Value;

/// A workload, one of its conditions, or any other part of an object.
#[derive(Clone, Copy)]
pub(super) struct Workload<'a>(pub(super) &'a Value);

impl<'a> Workload<'a> {
    pub(super) fn at(self, pointer: &str) -> Option<&'a Value> {
        self.0.pointer(pointer)
    }

    /// A number, 0 where the server leaves it out.
    pub(super) fn count(self, pointer: &str) -> u64 {
        self.at(pointer).and_then(Value::as_u64).unwrap_or(0)
    }

    pub(super) fn text(self, pointer: &str) -> &'a str {
        self.at(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn is_true(self, pointer: &str) -> bool {
        self.at(pointer).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Replicas wanted: 1 where nobody says.
    pub(super) fn replicas(self) -> u64 {
        self.at("/spec/replicas").and_then(Value::as_u64).unwrap_or(1)
    }

    /// Whether the controller has seen the newest version of the object. What it said before is of an
    /// earlier rollout.
    pub(super) fn is_observed(self) -> bool {
        self.count("/status/observedGeneration") >= self.count("/metadata/generation").max(1)
    }

    /// When the object itself was last written, its status aside.
    pub(super) fn written(self) -> Option<Timestamp> {
        let managers = self.at("/metadata/managedFields").and_then(Value::as_array);
        let writers =
            managers.into_iter().flatten().map(Workload).filter(|w| w.text("/subresource") != "status");
        writers.filter_map(|writer| writer.text("/time").parse().ok()).max()
    }

    pub(super) fn condition(self, kind: &str) -> Option<Workload<'a>> {
        let conditions = self.at("/status/conditions").and_then(Value::as_array)?;
        conditions.iter().map(Workload).find(|condition| condition.text("/type") == kind)
    }
}

/// The figures of a status.
#[derive(Clone, Copy)]
pub(super) struct Pods {
    pub(super) desired: u64,
    pub(super) updated: u64,
    pub(super) ready: u64,
}

impl Pods {
    pub(super) fn status(self, phase: RolloutPhase, message: impl Into<String>) -> RolloutStatus {
        let Self { desired, updated, ready } = self;
        RolloutStatus { desired, updated, ready, phase, message: message.into(), warning: None }
    }

    pub(super) fn progressing(self, message: impl Into<String>) -> RolloutStatus {
        self.status(RolloutPhase::Progressing, message)
    }

    pub(super) fn failed(self, message: impl Into<String>) -> RolloutStatus {
        self.status(RolloutPhase::Failed, message)
    }

    pub(super) fn complete(self) -> RolloutStatus {
        self.status(
            RolloutPhase::Complete,
            format!("{} of {} pods updated and ready", self.updated, self.desired),
        )
    }

    /// Complete, though so many pods keep their version, and why.
    pub(super) fn kept(self, pods: u64, why: &str) -> RolloutStatus {
        let keep = if pods == 1 { "keeps its" } else { "keep their" };
        self.complete_with(format!("{} {keep} version: {why}", many(pods)))
    }

    pub(super) fn complete_with(self, warning: String) -> RolloutStatus {
        let Self { desired, updated, ready } = self;
        let message = format!("{updated} of {desired} pods updated, {ready} ready: {warning}");
        RolloutStatus { warning: Some(warning), ..self.status(RolloutPhase::Complete, message) }
    }

    pub(super) fn unobserved(self) -> RolloutStatus {
        self.progressing("the controller has not seen the change yet")
    }
}

/// `1 pod`, `2 pods`.
pub(super) fn many(pods: u64) -> String {
    format!("{pods} pod{}", if pods == 1 { "" } else { "s" })
}

/// The parts that there are, in one line.
pub(super) fn joined<const N: usize>(parts: [Option<String>; N]) -> Option<String> {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
