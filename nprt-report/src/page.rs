use maud::{Markup, html};
use nprt_compare::Verdict;
use nprt_compare::report::Report;

use crate::shell::{badge, shell, time, version};
use crate::text::text;
use crate::{answers, events, metric, table};

pub(crate) fn page(report: &Report) -> Markup {
    let title = match &report.verdict {
        Some(verdict) => format!("{}: {}", report.service, verdict.decision),
        None => format!("{}: canary", report.service),
    };
    let body = html! {
        (head(report))
        main {
            @if let Some(verdict) = &report.verdict { (table::rules(verdict)) }
            (events::list(report))
            @for one in &report.metrics { (metric::section(report, one)) }
            @if report.metrics.is_empty() { p { "Nothing was measured that the policy reads." } }
            (answers::section(report))
        }
        footer { "Made by nprt. Times are UTC; bands and evidence hold at all looks together." }
    };
    shell(&title, &body)
}

fn head(report: &Report) -> Markup {
    html! {
        header {
            h1 {
                (text(&report.service)) " "
                @if let Some(verdict) = &report.verdict { (badge(verdict.decision.as_str())) }
            }
            p class="facts" {
                "Canary " (version(&report.canary)) " beside stable " (version(&report.stable))
                ", started " (time(report.started))
                @if let Some(verdict) = &report.verdict { (until(report, verdict)) }
            }
            @if let Some(verdict) = &report.verdict {
                p class={ "reason " (verdict.decision.as_str()) } { span { (text(&verdict.reason)) } }
            } @else {
                p { "No verdict on it is known." }
            }
        }
    }
}

fn until(report: &Report, verdict: &Verdict) -> Markup {
    let end = verdict.range.end();
    let minutes = end.duration_since(report.started).as_secs() / 60;
    html! { ", judged " (time(end)) " after " (minutes) " min" }
}
