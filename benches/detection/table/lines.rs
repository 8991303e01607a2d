//! The table's parts in Markdown.

use std::fmt::Write;

use super::Table;
use super::bound::{Bound, Standing};
use super::rows::Row;
use crate::outcome::{Outcomes, Share};

/// The policy's own figures beside the targets.
pub(crate) fn targets(table: &Table) -> String {
    let name = &table.contestants[0].name;
    let mut text = format!(
        "| | runs | target | `{name}` | minute: median, p95 | found by the target's minute | bound |\n\
         |---|--:|---|---|--:|--:|---|\n"
    );
    for row in &table.rows {
        let cells = table.results.of(row, 0);
        let shown = row.bound.representative(&cells);
        let by = row.bound.minutes().map_or("-".to_owned(), |minutes| short(shown.by(minutes)));
        let runs: usize = cells.iter().map(|outcomes| outcomes.0.len()).sum();
        let _ = writeln!(
            text,
            "| {} | {runs} | {} | {} | {} | {by} | {} |",
            row.name,
            row.target,
            long(row.bound.share(&shown)),
            minutes(row.bound, &shown),
            standing(row, &cells)
        );
    }
    text
}

/// All policies on the same runs.
pub(crate) fn beside(table: &Table) -> String {
    let mut text = "| | known before |".to_owned();
    table.contestants.iter().for_each(|each| {
        let _ = write!(text, " `{}` |", each.name);
    });
    text.push_str("\n|---|---|");
    text.push_str(&"---|".repeat(table.contestants.len()));
    text.push('\n');
    for row in &table.rows {
        let _ = write!(text, "| {} | {} |", row.name, row.to_beat);
        for (index, contestant) in table.contestants.iter().enumerate() {
            if row.bound.is_on_passes() && !contestant.offers_pass() {
                text.push_str(" - |");
                continue;
            }
            let shown = row.bound.representative(&table.results.of(row, index));
            let minutes = minutes(row.bound, &shown);
            let _ = write!(text, " {}; {minutes} |", long(row.bound.share(&shown)));
        }
        text.push('\n');
    }
    text
}

/// Every cell, with the seed that its first run has.
pub(crate) fn cells(table: &Table) -> String {
    let name = &table.contestants[0].name;
    let mut text = format!(
        "| cell | first seed | runs | `{name}`: regressions | minute: median, p95 | passes \
         | minute: median, p95 |\n\
         |---|--:|--:|---|--:|---|--:|\n"
    );
    for (cell, results) in table.results.cells() {
        let outcomes = &results.outcomes[0];
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} | {} |",
            cell.replace('|', "\\|"),
            results.first,
            outcomes.0.len(),
            long(outcomes.regressions()),
            minutes(Bound::Shown, outcomes),
            long(outcomes.passes()),
            minutes(Bound::PassesShown, outcomes)
        );
    }
    text
}

fn minutes(bound: Bound, outcomes: &Outcomes) -> String {
    let minute = |share| {
        let minute = if bound.is_on_passes() {
            outcomes.pass_minute(share)
        } else {
            outcomes.regression_minute(share)
        };
        minute.map_or("-".to_owned(), |minute| minute.to_string())
    };
    format!("{}, {}", minute(0.5), minute(0.95))
}

fn standing(row: &Row, cells: &[&Outcomes]) -> &'static str {
    match row.bound.standing(cells) {
        _ if matches!(row.bound, Bound::Shown | Bound::PassesShown) => "-",
        Standing::Kept => "kept",
        Standing::Unclear => "missed, within chance",
        Standing::Broken => "**broken**",
    }
}

/// `12.0 % (10.1–14.2)`
fn long(share: Share) -> String {
    let (low, high) = share.interval();
    format!("{} ({:.1}–{:.1})", short(share), 100.0 * low, 100.0 * high)
}

fn short(share: Share) -> String {
    format!("{:.1} %", 100.0 * share.value())
}
