//! The evidence in words.

use maud::{Markup, html};
use nprt_compare::{Counted, Decision, Evidence, MarginUsed, MetricVerdict};
use nprt_core::model::significant;

use crate::figure::{change, count, percent};
use crate::table::{is_measured, statistic};
use crate::text::text;

/// A rule's reason, and what it rests on.
pub(crate) fn rule(rule: &MetricVerdict) -> Markup {
    let decided = rule.decision == Decision::Regression;
    // The heading says the metric.
    let reason = rule.reason.strip_prefix(rule.metric.as_str()).and_then(|rest| rest.strip_prefix(": "));
    html! {
        p { b { (statistic(rule)) ": " } (text(reason.unwrap_or(&rule.reason))) "." }
        @if let Some(evidence) = rule.evidence.as_ref().filter(|_| is_measured(rule)) {
            ul class="evidence" {
                @for sentence in sentences(evidence, decided) { li { (text(&sentence)) } }
            }
        }
    }
}

fn sentences(evidence: &Evidence, decided: bool) -> Vec<String> {
    let mut sentences = vec![regression(evidence, decided)];
    if let Some(pass) = &evidence.pass {
        let share = percent((pass.ln_e / pass.threshold).clamp(0.0, 1.0));
        sentences.push(format!("Evidence of a pass: {share} of what it takes, by {}.", pass.gate));
    }
    sentences.extend(evidence.margin.map(margin));
    sentences.push(counted(&evidence.counted));
    sentences
}

fn regression(evidence: &Evidence, decided: bool) -> String {
    let share = evidence.ln_e / evidence.threshold;
    let tests: Vec<String> = evidence
        .tests
        .iter()
        .filter(|test| test.weight > 0.0)
        .map(|test| format!("{} {}", test.test, significant(test.ln_e, 3)))
        .collect();
    let by = if tests.is_empty() { String::new() } else { format!(" By test, ln E: {}.", tests.join(", ")) };
    let said = if decided {
        "Evidence of a regression: enough".to_owned()
    } else if share >= 1.0 {
        // Another rule decided before it had so much.
        "Evidence of a regression: as much as decides alone, after another rule did".to_owned()
    } else {
        format!("Evidence of a regression: {} of what decides alone", percent(share.max(0.0)))
    };
    format!(
        "{said} (ln E {} of {}; the rule has {} of the error level).{by}",
        significant(evidence.ln_e, 3),
        significant(evidence.threshold, 3),
        percent(evidence.share)
    )
}

fn margin(margin: MarginUsed) -> String {
    let pods = match margin.pods_known {
        0 => "a guess, since too few pods are known".to_owned(),
        pods => format!("as {pods} of them show"),
    };
    format!(
        "Margin: a regression from {} on; to pass it must be shown to be below {}. Stable's own pods differ by {} \
         ({pods}), and figures vary {} times as much by the minute as independent ones.",
        change(margin.regression),
        change(margin.pass),
        percent(margin.between_pods),
        significant(margin.overdispersion, 3)
    )
}

fn counted(counted: &Counted) -> String {
    let left_out = [
        (counted.held_back, "min held back until the warm-up is over"),
        (counted.warming_up, "min left out of the warm-up"),
        (counted.one_sided, "min with nothing to compare"),
        (counted.new_pods, "blocks of pods that were warming up"),
        (counted.unreadable, "blocks that could not be read"),
        (counted.late, "blocks that came too late, or again"),
    ];
    let left_out = left_out.into_iter().filter(|(number, _)| *number > 0);
    let left_out: Vec<String> = left_out.map(|(number, what)| format!("{} {what}", count(number))).collect();
    let rest =
        if left_out.is_empty() { String::new() } else { format!("; not counted: {}", left_out.join(", ")) };
    format!(
        "Counted: {} min of the run, calibrated on {} min of stable's past{rest}.",
        count(counted.minutes),
        count(counted.history)
    )
}
