//! A verdict as a monospaced table.

use nprt_core::verdict::{Verdict, VerdictRow};

use crate::text::fit;

const CELL: usize = 60;
/// All of it, so that the message as a whole stays below what Slack takes.
const TABLE: usize = 3000;

/// A line for each rule below one of headings, as many as there is room for.
pub(super) fn table(verdict: &Verdict) -> String {
    let rows = verdict.rows();
    let cells = rows.iter().map(VerdictRow::cells);
    let lines: Vec<[String; 5]> =
        std::iter::once(VerdictRow::HEADINGS).chain(cells).map(|row| row.map(cell)).collect();
    let widths: [usize; 5] =
        std::array::from_fn(|n| lines.iter().map(|line| width(&line[n])).max().unwrap_or_default());
    let mut table = String::new();
    for (number, line) in lines.iter().enumerate() {
        let padded = line.iter().zip(widths);
        let padded: Vec<String> =
            padded.map(|(cell, most)| format!("{cell}{}", " ".repeat(most - width(cell)))).collect();
        let line = padded.join("  ");
        if width(&table) + width(&line) > TABLE {
            table.push_str(&format!("\n… {} more (cut)", lines.len() - number));
            break;
        }
        if number > 0 {
            table.push('\n');
        }
        table.push_str(line.trim_end());
    }
    table
}

fn cell(text: &str) -> String {
    fit(text, CELL, |c| (c == '\n' || c == '\t').then_some(" "))
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use nprt_core::conformance::notifier::rollback;

    use super::*;

    #[test]
    fn columns_are_aligned_and_what_decided_comes_first() {
        let lines = [
            "rule                     stable   canary   effect                  verdict",
            "latency p95 over 30 min  100 ms   125 ms   +25 % (+20 % to +30 %)  regression",
            "memory p99 over 30 min   256 MiB  258 MiB  +0.781 %                pass",
        ];
        assert_eq!(table(&rollback("x").verdict.unwrap()), lines.join("\n"));
    }

    #[test]
    fn many_rules_are_cut_and_it_says_so() {
        let mut verdict = rollback("x").verdict.unwrap();
        let memory = verdict.metrics[0].clone();
        verdict.metrics.extend(vec![memory; 98]);
        let table = table(&verdict);
        assert!(table.chars().count() < 3050, "{table}");
        let (shown, last) = (table.lines().count() - 2, table.lines().last().unwrap());
        assert_eq!(last, format!("… {} more (cut)", 100 - shown));
        assert!(table.lines().nth(1).unwrap().ends_with("regression"), "{table}");
    }
}
