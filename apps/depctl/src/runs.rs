//! Runs that were judged, printed as they come: of each, no more is kept than a row of a table.

use nprt_compare::Decision;
use serde_json::Value;

use crate::cli::Format;
use crate::failure::{Exit, Failure, Result};
use crate::output::{Output, text};
use crate::style;
use crate::table::Table;

/// What one run came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) name: String,
    pub(crate) decision: Decision,
    pub(crate) reason: String,
    /// Until the verdict.
    pub(crate) minutes: Option<i64>,
    /// All of it.
    pub(crate) value: Value,
}

/// Prints a list of runs. JSON and YAML come run by run, so that a list that ends with an error has no end.
#[derive(Debug)]
pub(crate) struct Runs {
    output: Output,
    table: Table,
    worst: Option<Exit>,
}

impl Runs {
    pub(crate) fn new(output: Output) -> Self {
        Self { output, table: Table::new(&["RUN", "VERDICT", "AFTER", "REASON"]), worst: None }
    }

    /// Takes the next one.
    pub(crate) fn add(&mut self, run: Run) -> Result<()> {
        let Run { name, decision, reason, minutes, value } = run;
        match self.output.format {
            Format::Table => {
                let after = minutes.map_or_else(|| "-".to_owned(), |minutes| format!("{minutes} min"));
                let verdict = (decision.to_string(), style::verdict(decision.as_str()));
                let plain = |text: String| (text, style::PLAIN);
                self.table.styled([plain(name), verdict, plain(after), plain(reason)]);
            }
            Format::Yaml => self.output.value(&Value::Array(vec![value]))?,
            Format::Json => {
                let list = self.output.written(&Value::Array(vec![value]))?;
                let item =
                    list.strip_prefix("[\n").and_then(|list| list.strip_suffix("\n]\n")).unwrap_or(&list);
                text(&format!("{}{item}", if self.worst.is_none() { "[\n" } else { ",\n" }))?;
            }
        }
        let exit = match decision {
            Decision::Regression => Exit::Regression,
            Decision::Inconclusive { .. } => Exit::Inconclusive,
            Decision::Pass => Exit::Success,
        };
        let worst = self.worst.unwrap_or(exit);
        self.worst = Some(if rank(exit) > rank(worst) { exit } else { worst });
        Ok(())
    }

    /// Ends the list, and says which was the worst.
    pub(crate) fn end(self) -> Result<Exit> {
        let none = || Failure::usage("there is nothing to judge: no run in any file");
        let worst = self.worst.ok_or_else(none)?;
        match self.output.format {
            Format::Table => text(&self.table.render())?,
            Format::Json => text("\n]\n")?,
            Format::Yaml => {}
        }
        Ok(worst)
    }
}

/// A regression of any run, else one that is inconclusive, else a pass.
fn rank(exit: Exit) -> u8 {
    match exit {
        Exit::Regression => 2,
        Exit::Inconclusive => 1,
        _ => 0,
    }
}
