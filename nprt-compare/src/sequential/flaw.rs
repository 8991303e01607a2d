use std::ops::RangeInclusive;

use super::registry::RuleState;
use super::setting::Setting;
use super::state::{JointEvidence, State};

/// Minutes that are times, with room to count on from any of them.
const TIMES: RangeInclusive<i64> = -(1 << 40)..=1 << 40;

/// What of a state that was read does not fit these rules and metrics: it may have been written by anybody. That each
/// rule has a state of its own kind is checked where they are joined.
pub(super) fn flaw(state: &State<RuleState>, setting: &Setting) -> Option<&'static str> {
    let (rules, metrics) = (setting.rules.len(), setting.metrics.len());
    let State { history, knowledge, base, closed, settled, open, newest, late, .. } = state;
    // One that two rules read has two places among the late ones, of which the first counts.
    if knowledge.len() != rules || late.len() < metrics {
        return Some("this state is of another policy");
    }
    if history.values().chain(open.values()).any(|slots| slots.len() != metrics) {
        return Some("a minute has the slots of another policy");
    }
    let newest = [&newest.stable, &newest.canary].into_iter().flatten();
    let mut minutes = history.keys().chain(open.keys()).chain(closed).chain(newest);
    if !minutes.all(|minute| TIMES.contains(minute)) || !settled.iter().all(|at| TIMES.contains(&at.minute)) {
        return Some("a minute is no time");
    }
    let mut evidence = settled.iter().map(|settled| &settled.evidence).chain([base]);
    (!evidence.all(|evidence| fits(evidence, rules))).then_some(OTHER_RULES)
}

/// What is said of a state with a rule of another kind.
pub(super) const OTHER_RULES: &str = "the evidence is of other rules";

fn fits<R>(evidence: &JointEvidence<R>, rules: usize) -> bool {
    let regression = evidence.regression.as_ref();
    let fits = |rule: &usize| *rule < rules;
    evidence.rules.len() == rules
        && regression.is_none_or(|found| TIMES.contains(&found.minute) && found.rules.iter().all(fits))
}
