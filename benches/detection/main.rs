//! What the judge detects, how soon, and how often it cries wolf: runs of generators with seeds, judged as a
//! deployer judges them, minute by minute.
//!
//! ```text
//! cargo run --release -p nprt-detection -- run --cell "routes|noisy|600|+10%" --seeds 100
//! cargo run --release -p nprt-detection -- dump --cell "cpu|1%|1|x1.25" --history stable.jsonl > series.jsonl
//! cargo run --release -p nprt-detection -- table --full --write docs
//! ```
#![allow(clippy::print_stdout, missing_docs, reason = "a program that prints what it measures")]

mod cell;
mod classes;
mod contestant;
mod dump;
mod effect;
mod errors;
mod figures;
mod gauge;
mod latency;
mod noise;
mod ours;
mod outcome;
mod parallel;
mod peers;
mod random;
mod run;
mod series;
mod service;
mod table;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::cell::Cell;
use crate::ours::Ours;
use crate::outcome::{Outcomes, Share};
use crate::run::MINUTES;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What the judge detects, how soon, and how often it cries wolf.
#[derive(Debug, Parser)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judges runs of one cell and prints what came of them.
    Run(RunOptions),
    /// Writes runs of one cell as recorded series, for the example `judge`.
    Dump(DumpOptions),
    /// Prints what policies and other judges made of many runs, beside the figures to beat.
    ///
    /// Its seeds are for reporting only: all are above 1,000,000. Seeds below that are for tuning, which is
    /// what `run` and `dump` take unless told otherwise.
    Table(table::TableOptions),
}

#[derive(Debug, Args)]
struct RunOptions {
    /// source|noise|rate|effect, such as "routes|noisy|600|+10%" or "errors|steady|600|0.05% x10".
    #[arg(long)]
    cell: Cell,
    /// How many runs.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first seed; below 1,000,000 they are for tuning, above for reporting.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// `method`, or a YAML file.
    #[arg(long, default_value = "method")]
    policy: String,
    /// All routes together, instead of a block for each.
    #[arg(long)]
    pooled: bool,
    /// The judge does not see stable's past.
    #[arg(long)]
    no_history: bool,
    /// How often the judge is asked in two hours.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u16).range(1..=120))]
    looks: u16,
    /// Prints every run.
    #[arg(long)]
    each: bool,
}

#[derive(Debug, Args)]
struct DumpOptions {
    #[arg(long)]
    cell: Cell,
    /// How many runs.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// All routes together, instead of a block for each.
    #[arg(long)]
    pooled: bool,
    /// Where stable's past goes.
    #[arg(long)]
    history: Option<PathBuf>,
}

fn main() -> ExitCode {
    let result = match Options::parse().command {
        Command::Run(options) => run_cell(&options),
        Command::Dump(options) => dump_runs(&options),
        Command::Table(options) => table::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "detection: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run_cell(options: &RunOptions) -> Result<(), Failure> {
    let ours = Ours {
        policy: ours::policy(&options.policy)?,
        history: !options.no_history,
        every: MINUTES / usize::from(options.looks),
    };
    let judge = |seed| ours.judge(&options.cell.simulate(seed, !options.pooled)?);
    let outcomes = Outcomes(parallel::each(options.first..options.first + options.seeds, judge)?);
    println!(
        "{}, {} runs from seed {}, policy {}",
        options.cell, options.seeds, options.first, options.policy
    );
    if options.each {
        for (seed, outcome) in (options.first..).zip(&outcomes.0) {
            let [regression, pass] = [outcome.regression, outcome.pass].map(minute);
            println!("{seed:6} regression {regression:>4} pass {pass:>4} {}", outcome.reason);
        }
    }
    let [median, p95, p99] = [0.5, 0.95, 0.99].map(|share| minute(outcomes.regression_minute(share)));
    println!("regression  {}; minute: median {median}, p95 {p95}, p99 {p99}", share(outcomes.regressions()));
    let [median, p95] = [0.5, 0.95].map(|share| minute(outcomes.pass_minute(share)));
    println!("pass        {}; minute: median {median}, p95 {p95}", share(outcomes.passes()));
    for (count, reason) in outcomes.reasons().iter().take(5) {
        println!("{count:6} {reason}");
    }
    Ok(())
}

fn dump_runs(options: &DumpOptions) -> Result<(), Failure> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut history = options.history.as_ref().map(File::create).transpose()?.map(BufWriter::new);
    for seed in options.first..options.first + options.seeds {
        let run = options.cell.simulate(seed, !options.pooled)?;
        let name = format!("{}#{seed}", options.cell).into();
        if let Some(history) = &mut history {
            dump::write(history, &name, run.history)?;
        }
        run.minutes.into_iter().try_for_each(|blocks| dump::write(&mut out, &name, blocks))?;
    }
    if let Some(mut history) = history {
        history.flush()?;
    }
    Ok(out.flush()?)
}

fn minute(minute: Option<usize>) -> String {
    minute.map_or("-".to_owned(), |minute| minute.to_string())
}

/// `12.0 % (10.1 to 14.2 %)`
fn share(share: Share) -> String {
    let (low, high) = share.interval();
    format!("{:.1} % ({:.1} to {:.1} %)", 100.0 * share.value(), 100.0 * low, 100.0 * high)
}
