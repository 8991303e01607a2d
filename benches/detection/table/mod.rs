//! The table of the evaluation: what each policy made of the same runs, beside the figures to beat.

mod bound;
mod chart;
mod document;
mod lines;
mod plots;
mod rows;
mod runs;

use std::fs;
use std::path::PathBuf;

use clap::Args;

use crate::Failure;
use crate::contestant::{Contestant, OURS, others};
use bound::Standing;
use rows::Row;
use runs::Results;

#[derive(Debug, Args)]
pub(crate) struct TableOptions {
    /// How many runs of each cell.
    #[arg(long, default_value_t = 20, conflicts_with = "full")]
    seeds: u64,
    /// As many runs of each cell as its row is worth: 200 to 300.
    #[arg(long)]
    full: bool,
    /// Only some rows, on small cells and on seeds that the other tables never take: for a build without
    /// optimisation, and for those who change constants.
    #[arg(long)]
    quick: bool,
    /// Only the rows whose name contains this.
    #[arg(long)]
    row: Option<String>,
    /// The policy that the bounds are held against.
    #[arg(long, default_value = OURS)]
    ours: String,
    /// Whom to compare it with: policies and other judges; an empty text for none.
    #[arg(long, value_delimiter = ',', default_values_t = others())]
    policies: Vec<String>,
    /// Writes the document `evaluation.md` and its plots into this directory.
    #[arg(long)]
    write: Option<PathBuf>,
    /// Fails when a bound is broken by more than chance explains.
    #[arg(long)]
    check: bool,
}

/// What a table is made from.
#[derive(Debug)]
struct Table {
    rows: Vec<Row>,
    contestants: Vec<Contestant>,
    results: Results,
    /// The command that makes it again.
    command: String,
}

pub(crate) fn run(options: &TableOptions) -> Result<(), Failure> {
    let mut rows = if options.quick { rows::quick() } else { rows::all() };
    if let Some(part) = &options.row {
        rows.retain(|row| row.name.contains(part));
    }
    if rows.is_empty() {
        return Err(format!("no row has {:?} in its name", options.row.as_deref().unwrap_or_default()).into());
    }
    let mut names = vec![options.ours.clone()];
    names.extend(options.policies.iter().filter(|name| !name.is_empty() && **name != options.ours).cloned());
    let contestants = names.iter().map(|name| Contestant::named(name)).collect::<Result<Vec<_>, _>>()?;
    let seeds = |row: &Row| if options.full { row.full } else { options.seeds };
    let skipped = if options.quick { runs::QUICK } else { 0 };
    let results = runs::run(&rows, seeds, &contestants, skipped)?;
    let table = Table { rows, contestants, results, command: command(options) };

    println!("{}", lines::targets(&table));
    println!("{}", lines::beside(&table));
    if let Some(directory) = &options.write {
        fs::create_dir_all(directory)?;
        for (name, plot) in plots::all(&table) {
            fs::write(directory.join(name), plot)?;
        }
        fs::write(directory.join("evaluation.md"), document::write(&table))?;
    }
    let broken: Vec<_> = table.broken().collect();
    if options.check && !broken.is_empty() {
        return Err(format!("{} breaks the bounds of: {}", options.ours, broken.join("; ")).into());
    }
    Ok(())
}

impl Table {
    fn broken(&self) -> impl Iterator<Item = &str> {
        let broken = |row: &&Row| row.bound.standing(&self.results.of(row, 0)) == Standing::Broken;
        self.rows.iter().filter(broken).map(|row| row.name)
    }
}

fn command(options: &TableOptions) -> String {
    let mut command = "cargo run --release -p nprt-detection -- table".to_owned();
    if options.full {
        command.push_str(" --full");
    } else {
        command.push_str(&format!(" --seeds {}", options.seeds));
    }
    if options.quick {
        command.push_str(" --quick");
    }
    if let Some(row) = &options.row {
        command.push_str(&format!(" --row {row:?}"));
    }
    if options.ours != OURS {
        command.push_str(&format!(" --ours {}", options.ours));
    }
    if options.policies != others() {
        command.push_str(&format!(" --policies {:?}", options.policies.join(",")));
    }
    if let Some(directory) = &options.write {
        command.push_str(&format!(" --write {}", directory.display()));
    }
    command
}
