//! What the metrics say of a canary.

use jiff::Timestamp;
use nprt_compare::report::{Report, ReportBuilder, Version};
use nprt_compare::{Policy, Verdict};
use nprt_core::model::{Revision, ServiceName, Tag};
use nprt_core::ports::MetricAnswer;
use serde::{Deserialize, Serialize};

/// What the metrics say of the canary that runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The service.
    pub service: ServiceName,
    /// The canary's revision.
    pub revision: Revision,
    /// The canary's tag.
    pub tag: Tag,
    /// Since when it runs.
    pub started: Timestamp,
    /// The verdict.
    pub verdict: Verdict,
    /// What others have set on stable and the canary does not have ([`Running::drift`](crate::Running::drift)): the
    /// verdict is of a version without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<String>,
    /// What the metrics' answers rest on, one a metric: those that were asked for now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<MetricAnswer>,
}

impl Judgement {
    /// A report of the canary, with this verdict.
    #[must_use]
    pub fn report<'a>(&self, policy: &'a Policy) -> ReportBuilder<'a> {
        let canary = Version { tag: Some(self.tag.to_string()), revision: Some(self.revision.to_string()) };
        Report::builder(self.service.as_str(), policy, self.started)
            .canary(canary)
            .verdict(self.verdict.clone())
            .answers(self.answers.iter().cloned())
    }
}
