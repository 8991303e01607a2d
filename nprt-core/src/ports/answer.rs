use serde::{Deserialize, Serialize};

use super::{AnswerEvidence, Measured};
use crate::model::MetricName;

/// What a metrics backend's answers on one metric rest on, and what the server said beside them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricAnswer {
    /// The metric.
    pub metric: MetricName,
    /// Of all answers together: of the run, and of stable's past where that was asked for.
    #[serde(flatten)]
    pub evidence: AnswerEvidence,
    /// What the server said, such as "PromQL info".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl MetricAnswer {
    /// Adds an answer to those of its metric.
    pub fn add(all: &mut Vec<Self>, metric: &MetricName, answer: &Measured) {
        let Measured { notes, evidence, .. } = answer;
        let Some(of) = all.iter_mut().find(|of| of.metric == *metric) else {
            return all.push(Self {
                metric: metric.clone(),
                evidence: evidence.clone(),
                notes: notes.clone(),
            });
        };
        of.evidence.merge(evidence);
        let mut noted = Measured { notes: std::mem::take(&mut of.notes), ..Measured::default() };
        notes.iter().for_each(|note| noted.note(note));
        of.notes = noted.notes;
    }
}
