//! Judges recorded series, without a server, by the code that judges a canary that runs.

use std::path::Path;

use nprt_core::compare::replay::Replay;
use nprt_core::compare::{Decision, Policy, Preset};
use nprt_core::report::Report;

use crate::cli::{Format, ReplayArgs};
use crate::failure::{Exit, Failure, Result};
use crate::output::{self, Output, write};
use crate::replay::{Run, history, in_file, judge_pairs, read, records};
use crate::style;
use crate::table::Table;

/// Judges each file, prints each run's verdict, and ends by the worst.
pub(super) fn run(arguments: &ReplayArgs, output: Output) -> Result<Exit> {
    let runs = match &arguments.kayenta {
        Some(config) => judge_pairs(config, &arguments.files)?,
        None => by_policy(arguments)?,
    };
    if runs.is_empty() {
        return Err(Failure::usage("there is nothing to judge: no run in any file"));
    }
    if output.format == Format::Table {
        output::text(&table(&runs))?;
    } else {
        output.value(&runs.iter().map(|run| run.value.clone()).collect())?;
    }
    Ok(worst(&runs))
}

fn by_policy(arguments: &ReplayArgs) -> Result<Vec<Run>> {
    let policy = policy(arguments)?;
    if let Some(file) = &arguments.report {
        return with_report(arguments, &policy, file);
    }
    let mut runs = Vec::new();
    for path in &arguments.files {
        let replay = Replay::of(policy.clone(), records(arguments, path)?)?;
        let replay = match &arguments.history {
            Some(past) => replay.with_history(history(arguments, past)?),
            None => replay,
        };
        for outcome in replay.outcomes() {
            runs.push(Run::of(outcome.map_err(|error| in_file(error, path))?)?);
        }
    }
    Ok(runs)
}

/// Judges the one run that there is, and writes its report.
fn with_report(arguments: &ReplayArgs, policy: &Policy, file: &Path) -> Result<Vec<Run>> {
    let mut reports = Vec::new();
    for path in &arguments.files {
        let history = arguments.history.as_ref().map(|past| history(arguments, past)).transpose()?;
        let records = records(arguments, path)?;
        let found = Report::recorded(policy, records, history.unwrap_or_default());
        reports.append(&mut found.map_err(|error| in_file(error, path))?);
    }
    if reports.len() > 1 {
        let names: Vec<String> = reports.iter().map(|(outcome, _)| outcome.judged.run.name()).collect();
        let failure = Failure::usage(format!("--report is of one run, and there are {}", names.len()));
        return Err(failure.with(names.join(", ")));
    }
    let mut runs = Vec::new();
    for (outcome, report) in reports {
        write(file, nprt_report::html(&report).as_bytes())?;
        runs.push(Run::of(outcome)?);
    }
    Ok(runs)
}

fn policy(arguments: &ReplayArgs) -> Result<Policy> {
    match (&arguments.policy, &arguments.preset) {
        (Some(path), _) => Policy::read(read(path)?).map_err(|error| in_file(error, path)),
        (None, Some(name)) => Ok(Policy::preset(name.parse()?)),
        (None, None) => Ok(Policy::preset(Preset::Default)),
    }
}

fn table(runs: &[Run]) -> String {
    let mut table = Table::new(&["RUN", "VERDICT", "AFTER", "REASON"]);
    for run in runs {
        let after = run.minutes.map_or_else(|| "-".to_owned(), |minutes| format!("{minutes} min"));
        let verdict = (run.decision.to_string(), style::verdict(run.decision.as_str()));
        let plain = |text: String| (text, style::PLAIN);
        table.styled([plain(run.name.clone()), verdict, plain(after), plain(run.reason.clone())]);
    }
    table.render()
}

/// A regression of any run, else one that is inconclusive, else a pass.
fn worst(runs: &[Run]) -> Exit {
    let any = |worse: fn(&Decision) -> bool| runs.iter().any(|run| worse(&run.decision));
    if any(|decision| matches!(decision, Decision::Regression)) {
        Exit::Regression
    } else if any(|decision| matches!(decision, Decision::Inconclusive { .. })) {
        Exit::Inconclusive
    } else {
        Exit::Success
    }
}
