use maud::{Markup, html};
use nprt_compare::report::{ClassCount, MetricReport, Report, Statistic};
use nprt_compare::{MetricVerdict, QuantileFigures};

use crate::chart::{Chart, small, wide};
use crate::figure::{count, figure};
use crate::shell::badge;
use crate::text::text;
use crate::words;

/// How many small charts of further figures fit in a row.
const FURTHER: usize = 3;

/// All that is shown of a metric.
pub(crate) fn section(report: &Report, metric: &MetricReport) -> Markup {
    let rules: Vec<&MetricVerdict> = match &report.verdict {
        Some(verdict) => metric.rules.iter().filter_map(|at| verdict.metrics.get(*at)).collect(),
        None => Vec::new(),
    };
    let evidence = metric.effects.first().map(|_| [Chart::Effect(0), Chart::Evidence(0)]);
    let first = [Chart::Distribution].into_iter().chain(evidence.into_iter().flatten());
    let charts = first.chain(further(metric));
    html! {
        section class="metric" {
            h2 {
                (text(metric.metric.as_str()))
                @for rule in &rules { " " (badge(rule.decision.as_str())) }
            }
            @for rule in &rules { (words::rule(rule)) }
            @if let Some(chart) = wide(report, metric, Chart::OverTime(0)) { figure class="wide" { (chart) } }
            div class="row" {
                @for chart in charts {
                    @if let Some(chart) = small(report, metric, chart) { figure { (chart) } }
                }
            }
            @for rule in &rules { (quantiles(metric, rule)) }
            (classes(&metric.classes))
            @if metric.unreadable > 0 {
                p class="small" { (count(metric.unreadable)) " blocks could not be read and are not shown." }
            }
        }
    }
}

/// The other figures over time: the next that rules name, the median, and the traffic.
fn further(metric: &MetricReport) -> Vec<Chart> {
    let mut charts: Vec<usize> = (1..metric.curves.len()).collect();
    let is_traffic =
        |at: &usize| metric.curves.get(*at).is_some_and(|curve| curve.statistic == Statistic::Count);
    while charts.len() > FURTHER {
        // The far tail is noise by the minute; its figure over all is in the table.
        let Some(last) = charts.iter().rposition(|at| !is_traffic(at) && *at > 1 && !is_median(metric, *at))
        else {
            break;
        };
        charts.remove(last);
    }
    charts.truncate(FURTHER);
    charts.into_iter().map(Chart::OverTime).collect()
}

fn is_median(metric: &MetricReport, at: usize) -> bool {
    let median = Statistic::Percentile(nprt_compare::Percentile::P50);
    metric.curves.get(at).is_some_and(|curve| curve.statistic == median)
}

/// The quantiles of the whole run with their bands.
fn quantiles(metric: &MetricReport, rule: &MetricVerdict) -> Markup {
    let figures = rule.evidence.as_ref().map_or(&[][..], |evidence| &evidence.quantiles);
    let known = |figures: &&QuantileFigures| figures.stable.is_some() || figures.canary.is_some();
    let figures: Vec<&QuantileFigures> = figures.iter().filter(known).collect();
    html! {
        @if !figures.is_empty() {
            h3 { "Quantiles of the whole run" }
            div class="scroll" {
                table {
                    caption { "Each with the range in which it lies with 95 %, at all looks together." }
                    thead {
                        tr {
                            th scope="col" { "Quantile" }
                            @for track in ["Stable", "Canary"] {
                                th scope="col" class="number" { (track) }
                                th scope="col" class="number" { "from" }
                                th scope="col" class="number" { "to" }
                            }
                        }
                    }
                    tbody {
                        @for quantile in figures {
                            tr {
                                th scope="row" { (quantile.percentile) }
                                @for side in [quantile.stable, quantile.canary] {
                                    @for value in [
                                        side.map(|side| side.at),
                                        side.and_then(|side| side.low),
                                        side.and_then(|side| side.high),
                                    ] {
                                        td class="number" {
                                            @match value {
                                                Some(value) => (figure(metric.unit, value)),
                                                None => "–",
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn classes(classes: &[ClassCount]) -> Markup {
    html! {
        @if !classes.is_empty() {
            h3 { "Failures by class" }
            div class="scroll" {
                table {
                    thead {
                        tr {
                            th scope="col" { "Class" }
                            th scope="col" class="number" { "Stable" }
                            th scope="col" class="number" { "Canary" }
                        }
                    }
                    tbody {
                        @for class in classes {
                            tr {
                                th scope="row" { (text(&class.class)) }
                                td class="number" { (count(class.stable)) }
                                td class="number" { (count(class.canary)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
