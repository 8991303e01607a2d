use maud::{Markup, html};
use nprt_compare::Verdict;
use nprt_compare::report::Report;
use nprt_core::ports::MetricAnswer;

use crate::figure::count;
use crate::text::text;

/// What the figures rest on: the answers of the metrics backend, and what of them could not be used. Nothing where
/// neither is known.
pub(crate) fn section(report: &Report) -> Markup {
    let left_out = report.verdict.as_ref().is_some_and(|verdict| !verdict.left_out.is_empty());
    html! {
        @if left_out || !report.answers.is_empty() {
            section {
                h2 { "Evidence" }
                @if let Some(verdict) = &report.verdict { (left_out_of(verdict)) }
                @if !report.answers.is_empty() { (table(&report.answers)) }
            }
        }
    }
}

fn left_out_of(verdict: &Verdict) -> Markup {
    html! {
        @if !verdict.left_out.is_empty() {
            ul {
                @for left_out in &verdict.left_out {
                    li {
                        (text(left_out.metric.as_str())) ": " (left_out.reason.as_str()) ", "
                        (count(left_out.points)) " points in " (count(left_out.minutes)) " of "
                        (count(left_out.of_minutes)) " min left out"
                    }
                }
            }
        }
    }
}

fn table(answers: &[MetricAnswer]) -> Markup {
    html! {
        div class="scroll" {
            table {
                caption { "What the metrics backend was asked and answered." }
                thead {
                    tr {
                        th scope="col" { "Metric" }
                        @for head in ["Points", "Bytes", "Resolution", "Error of quantiles"] {
                            th scope="col" class="number" { (head) }
                        }
                        th scope="col" { "Queries and notes" }
                    }
                }
                tbody { @for answer in answers { (row(answer)) } }
            }
        }
    }
}

fn row(MetricAnswer { metric, evidence, notes }: &MetricAnswer) -> Markup {
    let seconds = evidence.resolution.as_secs();
    let resolution = if seconds == 0 { "–".to_owned() } else { format!("{seconds} s") };
    let error =
        evidence.quantile_error.map_or_else(|| "–".to_owned(), |error| format!("{:.1} %", 100.0 * error));
    html! {
        tr {
            th scope="row" { (text(metric.as_str())) }
            td class="number" { (count(evidence.points)) }
            td class="number" { (count(evidence.bytes)) }
            td class="number" { (resolution) }
            td class="number" { (error) }
            td class="small" {
                @for query in &evidence.queries { p { code { (text(query)) } } }
                @for note in notes { p { (text(note)) } }
            }
        }
    }
}
