use jiff::Timestamp;
use maud::{Markup, html};
use nprt_compare::Decision;
use nprt_compare::report::Version;

use crate::shell::{badge, shell, time, version};
use crate::text::text;

/// What runs of some services, for one page. Any text may be in it: it is escaped.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// When it was so.
    pub at: Timestamp,
    /// The services, as they are to stand on the page.
    pub services: Vec<ServiceOverview>,
}

/// What runs of one service.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ServiceOverview {
    /// What it is called.
    pub name: String,
    /// The version that serves, if one does.
    pub stable: Option<Version>,
    /// The canary, if one runs.
    pub canary: Option<CanaryOverview>,
    /// What is being done to it, if anything is.
    pub operation: Option<String>,
    /// Why nothing is known of it.
    pub error: Option<String>,
}

/// What is known of a canary.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CanaryOverview {
    /// Its version.
    pub version: Version,
    /// When it was started.
    pub started: Option<Timestamp>,
    /// Who holds it, and why.
    pub held: Option<String>,
    /// The fields that others have set on stable and that the canary lacks.
    pub drift: Vec<String>,
    /// What the judge said last, and its reason; `None` where nobody judged yet.
    pub verdict: Option<(Decision, String)>,
    /// Where its report is, as a path from the page, such as `shop/canary`. What is no such path is not linked.
    pub report: Option<String>,
}

pub(crate) fn page(overview: &Overview) -> Markup {
    let services = &overview.services;
    let trials = services.iter().filter(|service| service.canary.is_some()).count();
    let count = |number: usize, what: &str| match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {}", plural(what)),
    };
    let facts = format!("{}, {} on trial", count(services.len(), "service"), count(trials, "canary"));
    let body = html! {
        header {
            h1 { "Services" }
            p class="facts" { (facts) ", as of " (time(overview.at)) }
        }
        main {
            @if services.is_empty() { p { "There is no service to show." } } @else { (table(services)) }
        }
        footer { "Made by nprt. Times are UTC; a verdict is the last one of whoever made this page." }
    };
    shell("Services", &body)
}

fn plural(what: &str) -> String {
    what.strip_suffix('y').map_or_else(|| format!("{what}s"), |stem| format!("{stem}ies"))
}

fn table(services: &[ServiceOverview]) -> Markup {
    html! {
        div class="scroll" {
            table class="overview" {
                thead {
                    tr { @for head in ["Service", "Stable", "Canary", "Verdict so far"] { th scope="col" { (head) } } }
                }
                tbody { @for service in services { (row(service)) } }
            }
        }
    }
}

fn row(service: &ServiceOverview) -> Markup {
    html! {
        tr {
            th scope="row" {
                (text(&service.name))
                @if let Some(operation) = &service.operation { (note("under way: ", operation)) }
                @if let Some(error) = &service.error { p class="small regression" { "error: " (text(error)) } }
            }
            td { @match &service.stable { Some(stable) => (version(stable)), None => "–" } }
            @match &service.canary {
                Some(canary) => { (trial(canary)) }
                None => { td { "–" } td { "–" } }
            }
        }
    }
}

fn trial(canary: &CanaryOverview) -> Markup {
    html! {
        td {
            (version(&canary.version))
            @if let Some(started) = canary.started { p class="small" { "since " (time(started)) } }
            @if let Some(held) = &canary.held { (note("held ", held)) }
            @for field in &canary.drift { (note("lacks stable's ", field)) }
        }
        td {
            @match &canary.verdict {
                Some((decision, reason)) => { (badge(decision.as_str())) p class="small" { (text(reason)) } }
                None => "not judged yet",
            }
            @if let Some(report) = canary.report.as_deref().filter(|report| is_path(report)) {
                p { a href=(report) { "Report" } }
            }
        }
    }
}

fn note(what: &str, of: &str) -> Markup {
    html! { p class="small" { (what) (text(of)) } }
}

/// Whether a link leads to somewhere below the page: never to a scheme or another host.
fn is_path(link: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.~/%".contains(c);
    link.starts_with(|c: char| c.is_ascii_alphanumeric()) && link.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_below_the_page_or_nowhere() {
        assert!(is_path("shop/canary") && is_path("a%20b/canary"));
        for link in ["javascript:alert(1)", "//evil/x", "/shop", "http://evil", "", "shop\"", "a b"] {
            assert!(!is_path(link), "{link}");
        }
    }
}
