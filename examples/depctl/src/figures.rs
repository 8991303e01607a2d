//! A verdict and its figures, as people read them.

use nprt_core::compare::{Decision, MetricVerdict, Verdict};
use nprt_core::model::MetricName;

use crate::clean::line;
use crate::style;
use crate::table::Table;

/// A row for each rule, and the reason under them.
pub(crate) fn verdict(verdict: &Verdict) -> String {
    let mut table =
        Table::new(&["METRIC", "STATISTIC", "STABLE", "CANARY", "LIMIT", "N STABLE", "N CANARY", "VERDICT"]);
    for row in &verdict.metrics {
        let cells = [
            row.metric.to_string(),
            row.statistic.clone(),
            figure(row, row.stable),
            figure(row, row.canary),
            figure(row, row.limit),
            row.stable_samples.to_string(),
            row.canary_samples.to_string(),
        ];
        let decided = (row.decision.to_string(), style::verdict(row.decision.as_str()));
        table.styled(cells.into_iter().map(|cell| (cell, style::PLAIN)).chain([decided]));
    }
    format!("{}{}\n", table.render(), sentence(&verdict.decision, &verdict.reason))
}

/// `pass: every rule holds …`
pub(crate) fn sentence(decision: &Decision, reason: &str) -> String {
    let style = style::verdict(decision.as_str());
    format!("{style}{decision}{style:#}: {}", line(reason))
}

/// A figure in the unit that people read.
fn figure(row: &MetricVerdict, value: Option<f64>) -> String {
    let Some(value) = value else { return "-".to_owned() };
    match row.metric.as_str() {
        MetricName::LATENCY => format!("{:.1} ms", value * 1e3),
        MetricName::CPU => format!("{value:.3} cores"),
        MetricName::MEMORY => format!("{:.1} MiB", value / f64::from(1 << 20)),
        MetricName::ERRORS => format!("{:.3} %", value * 100.0),
        _ => format!("{value:.3}"),
    }
}
