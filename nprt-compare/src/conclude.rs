//! Combines the verdicts of the rules into the verdict on the canary.

use nprt_core::model::PerTrack;

use super::figure::figure;
use super::sequential::RuleVerdict;
use super::{Decision, MetricVerdict, Needed};

/// One broken rule decides, after a run of so many seconds; a pass needs all that it waits for, one of them measured, and the soak.
pub(super) fn conclude(rules: &[RuleVerdict], run: u64, soak: u64) -> (Decision, String) {
    let broken: Vec<_> =
        rules.iter().map(|rule| &rule.verdict).filter(|rule| rule.decision == Decision::Regression).collect();
    if let Some(first) = broken.first() {
        let more = match broken.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more of {} rules broken)", rules.len()),
        };
        return (Decision::Regression, format!("{}{more}", first.reason));
    }
    let waited = rules.iter().filter(|rule| rule.waits).map(|rule| &rule.verdict);
    let needs = waited.clone().filter_map(|metric| match metric.decision {
        Decision::Inconclusive { needed } => Some((needed, &metric.reason)),
        Decision::Pass | Decision::Regression => None,
    });
    let soak_left = Needed { minutes: Some(soak.saturating_sub(run).div_ceil(60)), ..Needed::default() };
    let needed = needs.clone().fold(soak_left, |sum, (needed, _)| sum.max(needed));
    if let Some((_, reason)) = needs.clone().next() {
        return (Decision::Inconclusive { needed }, reason.clone());
    }
    if !rules.iter().any(|rule| rule.waits && rule.measured == PerTrack::new(true, true)) {
        let needed = Needed { minutes: None, ..needed };
        return (Decision::Inconclusive { needed }, "nothing was measured on both tracks".to_owned());
    }
    if run < soak {
        let reason = format!(
            "every rule holds so far, but the canary has run for {} of the {} min that it must",
            run / 60,
            soak / 60
        );
        return (Decision::Inconclusive { needed }, reason);
    }
    let held = waited.map(brief).collect::<Vec<_>>().join(", ");
    (Decision::Pass, format!("every rule holds: {held}{}", missing(rules)))
}

/// Lists the metrics without measurements, as the end of a sentence.
fn missing(rules: &[RuleVerdict]) -> String {
    let mut names: Vec<String> = Vec::new();
    for rule in rules.iter().filter(|rule| rule.measured == PerTrack::new(false, false)) {
        let name = rule.verdict.metric.to_string();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() { String::new() } else { format!("; not measured: {}", names.join(", ")) }
}

/// `latency p95 over 60 min (112 ms of at most 121 ms)`
fn brief(verdict: &MetricVerdict) -> String {
    let MetricVerdict { metric, statistic, canary, limit, evidence, reason, .. } = verdict;
    match evidence.as_ref().map(|evidence| evidence.effect) {
        Some(Some(effect)) => return format!("{metric} {effect}"),
        Some(None) => return reason.clone(),
        None => {}
    }
    let figures = match canary.zip(*limit) {
        Some((canary, limit)) => format!("{} of at most {}", figure(metric, canary), figure(metric, limit)),
        None => "none".to_owned(),
    };
    format!("{metric} {statistic} ({figures})")
}
