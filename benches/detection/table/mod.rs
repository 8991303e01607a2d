//! The table of the evaluation: what each policy made of the same runs, beside the figures to beat.

mod bound;
mod lines;
mod rows;
mod runs;

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
    /// Only some rows, on small cells: for a build without optimisation.
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
}

pub(crate) fn run(options: &TableOptions) -> Result<(), Failure> {
    let mut rows = if options.quick { rows::quick() } else { rows::all() };
    if let Some(part) = &options.row {
        rows.retain(|row| row.name.contains(part));
    }
    let mut names = vec![options.ours.clone()];
    names.extend(options.policies.iter().filter(|name| !name.is_empty() && **name != options.ours).cloned());
    let contestants = names.iter().map(|name| Contestant::named(name)).collect::<Result<Vec<_>, _>>()?;
    let seeds = |row: &Row| if options.full { row.full } else { options.seeds };
    let results = runs::run(&rows, seeds, &contestants)?;
    let table = Table { rows, contestants, results };

    println!("{}", lines::targets(&table));
    println!("{}", lines::beside(&table));
    println!("{}", lines::cells(&table));
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
