//! Whether what a rule reads was measured at all, and enough of it.

use std::collections::BTreeSet;

use nprt_core::model::MetricName;

use super::left_out::Tally;
use super::policy::Rule;
use super::sequential::RuleVerdict;
use super::{Decision, Needed};

/// A pass waits for every metric that the backend is configured for, or that anything ever came of: on both tracks.
pub(super) fn demand_measured(rule: &Rule, found: &mut RuleVerdict, expected: &BTreeSet<MetricName>) {
    // Failures count as measured if requests are: without a failure, no error has a class.
    let metric = match rule {
        Rule::Failures(rule) => rule.requests.clone(),
        _ => found.verdict.metric.clone(),
    };
    let is_expected = expected.contains(&metric);
    let waits = found.waits && matches!(found.verdict.decision, Decision::Inconclusive { .. });
    if !(is_expected || found.known) || found.verdict.decision == Decision::Regression {
        return;
    }
    let track = match (found.measured.stable, found.measured.canary) {
        (true, true) => return,
        // The rule itself says what it waits for.
        (true, false) | (false, true) if waits => return,
        (true, false) => "on the canary",
        (false, true) => "on stable",
        (false, false) if waits && !is_expected => return,
        (false, false) => "on either track",
    };
    found.waits = true;
    found.verdict.decision = Decision::Inconclusive { needed: Needed::default() };
    let why = if is_expected { ", although the metrics backend is configured for it" } else { "" };
    found.verdict.reason = format!("{metric}: not measured {track}{why}");
}

/// Nothing is concluded from a metric of which more is left out than the policy allows.
pub(super) fn bound_left_out(rule: &Rule, found: &mut RuleVerdict, tally: &Tally, most: f64) {
    let metrics = rule.roles().into_iter().map(|(metric, _)| metric);
    let over = metrics.map(|metric| (tally.share(&metric), metric)).find(|(share, _)| *share > most);
    let Some((share, metric)) = over else { return };
    found.waits = true;
    found.verdict.decision = Decision::Inconclusive { needed: Needed::default() };
    found.verdict.reason = format!(
        "{metric}: {:.0} % of its points are left out, and max_left_out allows {:.0} %, so that nothing is concluded: {}",
        (100.0 * share).ceil(),
        100.0 * most,
        found.verdict.reason
    );
}
