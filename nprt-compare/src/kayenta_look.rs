use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use nprt_core::model::{Block, MetricName, TimeRange};
use nprt_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::kayenta::Judgement;
use super::policy::KayentaLook;
use super::replay::Bare;
use super::{Decision, MetricVerdict, Needed};

/// One look by Kayenta's scheme at a time that the policy chose: it keeps the blocks until then.
#[derive(Debug, Clone)]
pub(super) struct Look {
    rule: KayentaLook,
    range: TimeRange,
    metrics: Vec<MetricName>,
    state: LookState,
}

/// The blocks of the time that is looked at, by minute.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LookState {
    blocks: BTreeMap<i64, Vec<Bare>>,
}

impl Look {
    pub(super) fn new(rule: KayentaLook, started: Timestamp) -> Self {
        let length = Duration::from_secs(60 * u64::from(rule.after_minutes));
        let end = started.saturating_add(length).unwrap_or(Timestamp::MAX);
        let range = TimeRange::new(started, end).unwrap_or(TimeRange::before(end, length));
        let metrics = rule.kayenta.metrics().collect();
        Self { rule, range, metrics, state: LookState::default() }
    }

    pub(super) fn observe(&mut self, block: &Block) -> Result<()> {
        if !self.metrics.contains(&block.metric) || !self.range.holds_minute(block.minute) {
            return Ok(());
        }
        super::series::check(&block.data)?;
        let blocks = self.state.blocks.entry(block.minute).or_default();
        if !blocks.iter().any(|Bare(known)| known == block) {
            blocks.push(Bare(block.clone()));
        }
        Ok(())
    }

    pub(super) fn state(&self) -> &LookState {
        &self.state
    }

    pub(super) fn resume(&mut self, state: LookState) {
        self.state = state;
    }

    /// What it says: nothing before its time, and then always the same.
    pub(super) fn verdict(&self, now: Timestamp) -> MetricVerdict {
        if now < self.range.end() {
            let left = self.range.end().duration_since(now).as_secs();
            let minutes = u64::try_from(left).ok().map(|seconds| seconds.div_ceil(60));
            let needed = Needed { minutes, ..Needed::default() };
            return self.said(Decision::Inconclusive { needed }, None, "its one look is still to come");
        }
        match self.judge() {
            Ok(judgement) => {
                let reason = judgement.reason.clone();
                self.said(judgement.decision.clone(), Some(&judgement), &reason)
            }
            Err(error) => {
                let decision = Decision::Inconclusive { needed: Needed::default() };
                self.said(decision, None, &error.to_string())
            }
        }
    }

    fn judge(&self) -> Result<Judgement, Error> {
        let blocks: Vec<&Block> = self.state.blocks.values().flatten().map(|Bare(block)| block).collect();
        self.rule.kayenta.judge(blocks, self.range)
    }

    fn said(&self, decision: Decision, judgement: Option<&Judgement>, reason: &str) -> MetricVerdict {
        let metric = self.metrics.first().cloned().unwrap_or_else(MetricName::latency);
        let count = self.state.blocks.len() as u64;
        MetricVerdict {
            metric,
            statistic: format!("Kayenta's score after {} min", self.rule.after_minutes),
            decision,
            stable: None,
            canary: judgement.and_then(|judgement| judgement.score),
            limit: None,
            stable_samples: count,
            canary_samples: count,
            reason: format!("kayenta: {reason}"),
            evidence: None,
        }
    }
}
