//! Simulates each run once and shows it to all.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

use super::rows::Row;
use crate::Failure;
use crate::cell::Cell;
use crate::contestant::Contestant;
use crate::figures::Figures;
use crate::outcome::{Outcome, Outcomes};
use crate::parallel;

/// Seeds below this are for tuning: whoever tries out a constant takes those. The table's are above.
pub(crate) const REPORTING: u64 = 1_000_000;
/// Each cell has as many seeds for itself, so that no two share their chance.
const SEEDS: u64 = 100_000;
/// The quick form, which anyone's change has to pass, skips those that are reported.
pub(crate) const QUICK: u64 = SEEDS / 2;

#[derive(Debug, Default)]
pub(crate) struct Results(BTreeMap<String, CellResults>);

#[derive(Debug)]
pub(crate) struct CellResults {
    pub(crate) first: u64,
    /// In the order of the contestants.
    pub(crate) outcomes: Vec<Outcomes>,
}

impl Results {
    pub(crate) fn cells(&self) -> impl Iterator<Item = (&String, &CellResults)> {
        self.0.iter()
    }

    /// What a contestant made of each cell of a row.
    pub(crate) fn of(&self, row: &Row, contestant: usize) -> Vec<&Outcomes> {
        let cells = row.cells.iter().filter_map(|cell| self.0.get(cell));
        cells.map(|cell| &cell.outcomes[contestant]).collect()
    }
}

pub(crate) fn run(
    rows: &[Row],
    seeds: impl Fn(&Row) -> u64,
    contestants: &[Contestant],
    skipped: u64,
) -> Result<Results, Failure> {
    let mut wanted = BTreeMap::<&String, u64>::new();
    for row in rows {
        for cell in &row.cells {
            let most = wanted.entry(cell).or_default();
            *most = seeds(row).max(*most);
        }
    }
    let mut results = Results::default();
    let cells = wanted.len();
    for (index, (name, seeds)) in wanted.into_iter().enumerate() {
        let first = first(name) + skipped;
        let (outcomes, spent) = run_cell(&name.parse()?, first, seeds, contestants)?;
        let names = ["simulation"].into_iter().chain(contestants.iter().map(|each| each.name.as_str()));
        let spent = names.zip(spent).map(|(name, spent)| format!("{name} {:.1}", per_run(spent, seeds)));
        let spent: Vec<_> = spent.collect();
        let done = format!("{}/{cells} {name}: {seeds} runs, ms of each: {}", index + 1, spent.join(", "));
        writeln!(std::io::stderr(), "{done}")?;
        results.0.insert(name.clone(), CellResults { first, outcomes });
    }
    Ok(results)
}

fn per_run(spent: Duration, seeds: u64) -> f64 {
    1000.0 * spent.as_secs_f64() / seeds.max(1) as f64
}

/// The outcomes of each contestant, and the time of the simulation and of each.
fn run_cell(
    cell: &Cell,
    first: u64,
    seeds: u64,
    contestants: &[Contestant],
) -> Result<(Vec<Outcomes>, Vec<Duration>), Failure> {
    let judge = |seed| {
        let mut spent = Vec::new();
        let mut began = Instant::now();
        let mut lap = || {
            spent.push(began.elapsed());
            began = Instant::now();
        };
        let run = cell.simulate(seed, true)?;
        let figures = Figures::of(&run);
        lap();
        let mut outcomes = Vec::new();
        for contestant in contestants {
            outcomes.push(contestant.judge(&run, &figures)?);
            lap();
        }
        Ok((outcomes, spent))
    };
    let mut all = vec![Outcomes::default(); contestants.len()];
    let mut total = vec![Duration::ZERO; contestants.len() + 1];
    for (outcomes, spent) in parallel::each(first..first + seeds, judge)? {
        all.iter_mut().zip(outcomes).for_each(|(all, outcome): (_, Outcome)| all.0.push(outcome));
        total.iter_mut().zip(spent).for_each(|(total, spent)| *total += spent);
    }
    Ok((all, total))
}

/// The first reporting seed of a cell, by its text alone: the same in every table. (FNV-1a.)
fn first(cell: &str) -> u64 {
    let hash = cell.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    REPORTING + hash % 10_000_000 * SEEDS
}
