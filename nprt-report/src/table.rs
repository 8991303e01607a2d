use std::borrow::Cow;

use maud::{Markup, html};
use nprt_compare::{MetricVerdict, Verdict};

use crate::figure::{change, count, figure};
use crate::text::text;

/// All rules with their figures.
pub(crate) fn rules(verdict: &Verdict) -> Markup {
    html! {
        section {
            h2 { "Rules" }
            div class="scroll" {
                table {
                    caption { "What was compared. A pass needs every rule that it waits for; one broken rule is a regression." }
                    thead {
                        tr {
                            @for head in ["Metric", "Statistic"] { th scope="col" { (head) } }
                            @for head in ["Stable", "Canary", "Limit", "Difference", "Samples, stable / canary"] {
                                th scope="col" class="number" { (head) }
                            }
                            th scope="col" { "Verdict" }
                        }
                    }
                    tbody { @for rule in &verdict.metrics { (row(rule)) } }
                }
            }
        }
    }
}

fn row(rule: &MetricVerdict) -> Markup {
    let unit = rule.unit();
    let show = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| figure(unit, value));
    let effect = rule.evidence.as_ref().and_then(|evidence| evidence.effect);
    let verdict = rule.decision.as_str();
    html! {
        tr {
            th scope="row" { (text(rule.metric.as_str())) }
            td { (statistic(rule)) }
            @for value in [rule.stable, rule.canary, rule.limit] { td class="number" { (show(value)) } }
            td class="number" { (effect.map_or_else(|| "–".to_owned(), |effect| change(effect.estimate))) }
            td class="number" { (count(rule.stable_samples)) " / " (count(rule.canary_samples)) }
            @if is_measured(rule) {
                td class={ "verdict " (verdict) } { (verdict) }
            } @else {
                td class="small" { "no evidence" }
            }
        }
    }
}

/// What was compared; of a metric that nobody measured nothing can be said.
pub(crate) fn statistic(rule: &MetricVerdict) -> Cow<'_, str> {
    if rule.statistic == rule.metric.as_str() { Cow::Borrowed("–") } else { text(&rule.statistic) }
}

/// Whether anything of its metric counts.
pub(crate) fn is_measured(rule: &MetricVerdict) -> bool {
    let counted = rule.evidence.as_ref().is_none_or(|evidence| evidence.counted.minutes > 0);
    rule.stable.is_some() || rule.canary.is_some() || rule.stable_samples + rule.canary_samples > 0 || counted
}
