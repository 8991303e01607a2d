//! Judges recorded series, without a server, by the code that judges a canary that runs.

use std::path::Path;

use nprt_compare::replay::{Line, Replay};
use nprt_compare::report::Report;
use nprt_compare::{Policy, Preset};
use nprt_core::Error;

use crate::cli::ReplayArgs;
use crate::failure::{Exit, Failure, Result};
use crate::output::{Output, write};
use crate::replay::{Recorded, history, in_file, judge_pairs, judged, read, records, whole_records};
use crate::runs::{Run, Runs};

/// Judges each file, prints each run's verdict, and ends by the worst.
pub(super) fn run(arguments: &ReplayArgs, output: Output) -> Result<Exit> {
    let mut runs = Runs::new(output);
    match (&arguments.kayenta, &arguments.report) {
        (Some(config), _) => {
            judge_pairs(config, &arguments.files, arguments.max_bytes, |run| runs.add(run))?;
        }
        (None, Some(file)) => with_report(arguments, file)?.into_iter().try_for_each(|run| runs.add(run))?,
        (None, None) => by_policy(arguments, &mut runs)?,
    }
    runs.end()
}

fn by_policy(arguments: &ReplayArgs, runs: &mut Runs) -> Result<()> {
    let policy = policy(arguments)?;
    for path in &arguments.files {
        let Recorded { lines, left_out } = records(arguments, path)?;
        let replay = Replay::of(policy.clone(), lines)?.with_left_out(left_out);
        let replay = match &arguments.history {
            Some(past) => replay.with_history(history(arguments, past)?),
            None => replay,
        };
        for outcome in replay.outcomes() {
            runs.add(judged(outcome.map_err(|error| in_file(error, path))?)?)?;
        }
    }
    Ok(())
}

/// Judges the one run that there is, and writes its report.
fn with_report(arguments: &ReplayArgs, file: &Path) -> Result<Vec<Run>> {
    let (policy, mut reports) = (policy(arguments)?, Vec::new());
    for path in &arguments.files {
        let history = arguments.history.as_ref().map(|past| history(arguments, past)).transpose()?;
        let Recorded { lines, left_out } = whole_records(arguments, path)?;
        let found = Report::recorded(&policy, few(lines), history.unwrap_or_default(), left_out);
        reports.append(&mut found.map_err(|error| in_file(error, path))?);
    }
    if reports.len() > 1 {
        let names: Vec<String> =
            reports.iter().take(20).map(|(outcome, _)| outcome.judged.run.name()).collect();
        let failure = Failure::usage(format!("--report is of one run, and there are {}", reports.len()));
        return Err(failure.with(names.join(", ")));
    }
    let mut runs = Vec::new();
    for (outcome, report) in reports {
        write(file, nprt_report::html(&report).as_bytes())?;
        runs.push(judged(outcome)?);
    }
    Ok(runs)
}

/// Of a report, every verdict is kept: so many runs are read, to name them, and so many minutes.
const MOST_RUNS: usize = 20;
const MOST_MINUTES: usize = 20_000;

/// Ends with an error where there is more than a report can hold.
fn few(
    lines: impl Iterator<Item = nprt_core::Result<(u64, Line)>>,
) -> impl Iterator<Item = nprt_core::Result<(u64, Line)>> {
    let (mut runs, mut minutes, mut last) = (0, 0, None);
    lines.map(move |read| {
        let (line, said) = read?;
        let now = (said.run().clone(), said.minute());
        let known = last.as_ref().map(|(run, minute)| (*run == now.0, *minute == now.1));
        runs += usize::from(!known.is_some_and(|(same_run, _)| same_run));
        minutes += usize::from(known != Some((true, true)));
        last = Some(now);
        let limit = |message: String| Err(Error::invalid("replay.report", message).with("line", line));
        if runs > MOST_RUNS {
            return limit(format!("--report is of one run, and there are more than {MOST_RUNS}"));
        }
        if minutes > MOST_MINUTES {
            return limit(format!("--report is of at most {MOST_MINUTES} minutes"));
        }
        Ok((line, said))
    })
}

fn policy(arguments: &ReplayArgs) -> Result<Policy> {
    match (&arguments.policy, &arguments.preset) {
        (Some(path), _) => Policy::read(read(path)?).map_err(|error| in_file(error, path)),
        (None, Some(name)) => Ok(Policy::preset(name.parse()?)),
        (None, None) => Ok(Policy::preset(Preset::Default)),
    }
}
