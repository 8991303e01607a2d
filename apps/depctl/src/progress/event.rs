use nprt_core::model::ObjectId;
use serde::Deserialize;

use crate::clean::line;

/// A step of the pipeline, as the server tells it: the library's `Event`, and its text. What a newer server tells
/// beyond is shown by its text.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Step {
    #[serde(default)]
    event: String,
    #[serde(default)]
    text: String,
    /// Of a rollout.
    workload: Option<ObjectId>,
    updated: Option<u64>,
    desired: Option<u64>,
}

/// What a deploy does one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Lease,
    Version,
    Images,
    Check,
    Apply,
    Rollout,
}

impl Phase {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Lease => "lease",
            Self::Version => "version",
            Self::Images => "images",
            Self::Check => "check",
            Self::Apply => "apply",
            Self::Rollout => "rollout",
        }
    }
}

impl Step {
    /// The phase that it belongs to; `None` of what may come in any, such as a warning.
    pub(crate) fn phase(&self) -> Option<Phase> {
        match self.event.as_str() {
            "waiting_for_lease" | "leased" => Some(Phase::Lease),
            "resolved" | "manifests_read" => Some(Phase::Version),
            "waiting_for_images" | "tagged" => Some(Phase::Images),
            "validated" => Some(Phase::Check),
            "applied" | "put_back" | "removed" | "pruned" | "pods_ending" => Some(Phase::Apply),
            "rollout" | "scaled" => Some(Phase::Rollout),
            _ => None,
        }
    }

    pub(crate) fn is_warning(&self) -> bool {
        self.event == "warning"
    }

    pub(crate) fn text(&self) -> String {
        line(if self.text.is_empty() { &self.event } else { &self.text })
    }

    /// A workload with its pods of this version, and those that it shall have.
    pub(crate) fn rollout(&self) -> Option<(String, u64, u64)> {
        let workload = self.workload.as_ref()?;
        Some((line(&workload.to_string()), self.updated?, self.desired?))
    }
}
