//! The plots of the document.

use super::Table;
use super::bound::Bound;
use super::chart::{Chart, Mark, Panel};
use super::rows::Row;
use crate::outcome::Outcomes;
use crate::run::MINUTES;

pub(crate) const DETECTION: &str = "evaluation-detection.svg";
pub(crate) const FALSE_ALARMS: &str = "evaluation-false-alarms.svg";

/// The rows whose detection is drawn: large, small, in the tail, and errors.
const DETECTED: [&str; 4] = ["+25 %", "+10 %", "5 % of requests", "Errors x10"];

/// Each with the name of its file; none of rows that were not run.
pub(crate) fn all(table: &Table) -> Vec<(&'static str, String)> {
    let of = |wanted: &dyn Fn(&Row) -> bool| -> Vec<Panel> {
        let rows = table.rows.iter().filter(|row| wanted(row));
        rows.map(|row| panel(table, row)).collect()
    };
    let detected = of(&|row| DETECTED.iter().any(|name| row.name.starts_with(name)));
    let same = of(&|row| row.name.starts_with("Same version, all cells"));
    let detection = Chart {
        title: "Regressions found, by minute",
        share: "runs found",
        logarithmic: false,
        legend: legend(table),
        panels: detected,
    };
    let false_alarms = Chart {
        title: "False alarms, by minute",
        share: "runs with a false alarm",
        logarithmic: true,
        legend: legend(table),
        panels: same,
    };
    let plots = [(DETECTION, detection), (FALSE_ALARMS, false_alarms)];
    let drawn = plots.into_iter().filter(|(_, chart)| !chart.panels.is_empty());
    drawn.map(|(name, chart)| (name, chart.draw())).collect()
}

/// All cells of a row together.
fn panel(table: &Table, row: &Row) -> Panel {
    let line = |contestant| {
        let cells = table.results.of(row, contestant);
        let all = Outcomes(cells.into_iter().flat_map(|outcomes| outcomes.0.clone()).collect());
        (0..=MINUTES).map(|minute| all.by(minute).value()).collect()
    };
    let mark = match row.bound {
        Bound::Pooled(most) => Some(Mark::Share(most)),
        _ => row.bound.minutes().map(Mark::Minute),
    };
    Panel {
        title: row.name.trim_end_matches(", worst cell").to_owned(),
        lines: (0..table.contestants.len()).map(line).collect(),
        mark,
    }
}

/// Variants of one judge have its colour, the second one dashed.
fn legend(table: &Table) -> Vec<(String, String)> {
    let names = table.contestants.iter().map(|each| each.name.clone());
    let class = |index: usize, name: &str| match (index, name.split_once('-')) {
        (0, _) => "ours".to_owned(),
        (_, Some((judge @ ("flagger" | "argo" | "kayenta"), _))) => format!("{judge} dashed"),
        (_, None) if ["method", "flagger", "argo", "kayenta"].contains(&name) => name.to_owned(),
        _ => "other".to_owned(),
    };
    let classes = names.enumerate().map(|(index, name)| {
        let class = class(index, &name);
        // The name may be a path.
        (name.replace('&', "&amp;").replace('<', "&lt;"), class)
    });
    classes.collect()
}
