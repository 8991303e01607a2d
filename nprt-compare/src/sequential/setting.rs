use nprt_core::model::MetricName;

use super::minute::{MinuteSlots, Slot};
use crate::policy::{Policy, Role, Rule};

/// A minute is closed when both tracks have gone on by so many, and compared by what is at least as old.
pub(super) const LAG: i64 = 2;

/// When a minute is folded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    pub(super) minute: i64,
    /// Minutes that the canary has run when it is over.
    pub(super) run: i64,
    /// Minutes that it is to run at most.
    pub(super) deadline: i64,
    pub(super) warm_up: u32,
    pub(super) soak: i64,
}

/// What stays the same for the whole life of a canary.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    /// The sequential ones.
    pub(super) rules: Vec<Rule>,
    pub(super) policy: Policy,
    /// The minute that the canary started in.
    pub(super) started: i64,
    pub(super) metrics: Vec<MetricName>,
    /// What the rules read in each.
    pub(super) roles: Vec<Role>,
}

impl Setting {
    pub(super) fn new(rules: Vec<Rule>, policy: &Policy, started: i64) -> Self {
        let (mut metrics, mut roles) = (Vec::new(), Vec::new());
        for (metric, role) in rules.iter().flat_map(Rule::roles) {
            if !metrics.contains(&metric) {
                metrics.push(metric);
                roles.push(role);
            }
        }
        Self { rules, policy: policy.clone(), started, metrics, roles }
    }

    pub(super) fn metric(&self, name: &MetricName) -> Option<usize> {
        self.metrics.iter().position(|metric| metric == name)
    }

    pub(super) fn minute<'a>(&'a self, minute: i64, slots: &'a [Slot]) -> MinuteSlots<'a> {
        MinuteSlots::new(minute, &self.metrics, slots)
    }

    /// ln E from which on it is a regression.
    pub(super) fn threshold(&self) -> f64 {
        -self.policy.alpha.ln()
    }

    pub(super) fn time(&self, minute: i64) -> Time {
        Time {
            minute,
            run: minute.saturating_sub(self.started).saturating_add(1),
            deadline: i64::from(self.policy.deadline_minutes),
            warm_up: self.policy.warm_up_minutes,
            soak: i64::from(self.policy.soak_minutes),
        }
    }
}
