//! The judge of this library, shown a run as a deployer shows it one.

use std::collections::BTreeSet;
use std::fs;

use jiff::Timestamp;
use nprt::compare::{Decision, Judge, Policy};
use nprt::model::MetricName;

use crate::Failure;
use crate::outcome::Outcome;
use crate::run::{Run, START};

/// What is asked of the judge.
#[derive(Debug, Clone)]
pub(crate) struct Ours {
    pub(crate) policy: Policy,
    /// Whether it sees stable's past.
    pub(crate) history: bool,
    /// How many minutes lie between two looks.
    pub(crate) every: usize,
}

impl Ours {
    /// Looks until there is a regression: a pass that comes before it stays in the outcome.
    pub(crate) fn judge(&self, run: &Run) -> Result<Outcome, Failure> {
        let started = Timestamp::from_second(60 * START)?;
        let mut judge = Judge::new(for_run(&self.policy, run)?, started)?;
        if self.history {
            run.history.iter().try_for_each(|block| judge.observe_history(block))?;
        }
        let mut outcome = Outcome::default();
        for (minute, blocks) in run.minutes.iter().enumerate() {
            blocks.iter().try_for_each(|block| judge.observe(block))?;
            let minute = minute + 1;
            if minute % self.every > 0 {
                continue;
            }
            let verdict = judge.verdict(Timestamp::from_second(60 * (START + minute as i64))?);
            match verdict.decision {
                Decision::Pass => outcome.pass = outcome.pass.or(Some(minute)),
                Decision::Inconclusive { .. } => {}
                Decision::Regression => {
                    outcome.regression = Some(minute);
                    outcome.reason = verdict.reason;
                    break;
                }
            }
        }
        Ok(outcome)
    }
}

/// A policy by its name or from a YAML file.
pub(crate) fn policy(name: &str) -> Result<Policy, Failure> {
    // The named ones, in one place.
    if let Ok(preset) = name.parse() {
        return Ok(Policy::preset(preset));
    }
    let text = fs::read_to_string(name)
        .map_err(|error| format!("policy {name:?}: {error}; expected a preset or a YAML file"))?;
    Ok(serde_saphyr::from_str(&text).map_err(|error| format!("policy {name:?}: {error}"))?)
}

/// The rules on what the run measures: one on what nobody measures would never let it pass.
fn for_run(policy: &Policy, run: &Run) -> Result<Policy, Failure> {
    let measured: BTreeSet<&MetricName> = run.minutes.iter().flatten().map(|block| &block.metric).collect();
    let mut kept = policy.clone();
    // Whatever the kind of a rule, a policy of it alone says what it reads.
    kept.rules.retain(|rule| {
        let alone = Policy { rules: vec![rule.clone()], ..policy.clone() };
        alone.metrics().iter().all(|metric| measured.contains(metric))
    });
    if kept.rules.is_empty() {
        return Err(format!("the policy has no rule on {measured:?}").into());
    }
    Ok(kept)
}
