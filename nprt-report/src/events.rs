use maud::{Markup, html};
use nprt_compare::report::{EventKind, Report, ReportEvent};

use crate::shell::time;
use crate::text::text;

/// The most events to list: the first ones and the last ones.
const MOST: usize = 60;

/// What happened, numbered as in the charts.
pub(crate) fn list(report: &Report) -> Markup {
    let all = report.events.len();
    // The charts count what is left out too.
    let shown = |at: usize| all <= MOST || at < MOST / 2 || at >= all - MOST / 2;
    html! {
        @if all > 0 {
            section {
                h2 { "Events" }
                ol {
                    @for (at, event) in report.events.iter().enumerate() {
                        @if shown(at) { li value=(at + 1) { (one(event)) } }
                    }
                }
                @if all > MOST { p class="small" { (all - MOST) " in between are not shown." } }
            }
        }
    }
}

fn one(event: &ReportEvent) -> Markup {
    let class = match event.kind {
        EventKind::CanaryPassed | EventKind::Promoted => "pass",
        EventKind::CanaryRegressed | EventKind::RolledBack | EventKind::Failed => "regression",
        _ => "",
    };
    html! {
        (time(event.at)) " "
        b class=(class) { (event.kind) }
        @if !event.text.is_empty() { ": " (text(&event.text)) }
    }
}
