use std::ops::RangeInclusive;

use super::state::{RuleState, Small, State};
use crate::policy::Rule;

/// Minutes that are times, with room to count on from any of them.
const TIMES: RangeInclusive<i64> = -(1 << 40)..=1 << 40;

/// What of a state that was read does not fit these rules and so many metrics: it may have been written by anybody.
pub(super) fn flaw(state: &State, rules: &[Rule], metrics: usize) -> Option<&'static str> {
    let State { history, learned, base, closed, settled, open, newest, late, .. } = state;
    // One that two rules read has two places among the late ones, of which the first counts.
    if learned.len() != rules.len() || late.len() < metrics {
        return Some("this state is of another policy");
    }
    if history.values().chain(open.values()).any(|slots| slots.len() != metrics) {
        return Some("a minute has the slots of another policy");
    }
    let mut minutes = history.keys().chain(open.keys()).chain(closed).chain(newest.iter().flatten());
    if !minutes.all(|minute| TIMES.contains(minute)) || !settled.iter().all(|at| TIMES.contains(&at.minute)) {
        return Some("a minute is no time");
    }
    let mut evidence = settled.iter().map(|settled| &settled.small).chain([base]);
    (!evidence.all(|small| fits(small, rules))).then_some("the evidence is of other rules")
}

fn fits(small: &Small, rules: &[Rule]) -> bool {
    let same = |(rule, state): (&Rule, &RuleState)| {
        matches!(
            (rule, state),
            (Rule::Measurements(_), RuleState::Measurements(_))
                | (Rule::Failures(_), RuleState::Failures(_))
                | (Rule::Events(_), RuleState::Events(_))
                | (Rule::Growth(_), RuleState::Growth(_))
        )
    };
    let decided = small.regression.iter().flat_map(|decided| &decided.rules);
    small.rules.len() == rules.len()
        && rules.iter().zip(&small.rules).all(same)
        && decided.into_iter().all(|rule| *rule < rules.len())
        && small.regression.as_ref().is_none_or(|decided| TIMES.contains(&decided.minute))
}
