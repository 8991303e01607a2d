//! A verdict and its figures, as people read them.

use nprt_compare::{Decision, Verdict};

use crate::clean::line;
use crate::style;
use crate::table::Table;

/// A row for each rule, and the reason under them.
pub(crate) fn verdict(verdict: &Verdict) -> String {
    let mut table =
        Table::new(&["METRIC", "STATISTIC", "STABLE", "CANARY", "LIMIT", "N STABLE", "N CANARY", "VERDICT"]);
    for row in &verdict.metrics {
        let figure =
            |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| row.unit().figure(value));
        let cells = [
            row.metric.to_string(),
            row.statistic.clone(),
            figure(row.stable),
            figure(row.canary),
            figure(row.limit),
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
