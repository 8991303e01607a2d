//! Judges recorded series: one line of JSON for each minute of each run.
//!
//! ```sh
//! cargo run --release --example judge -- [--policy FILE] [--history FILE] < series.jsonl
//! ```
//!
//! The form of a line is that of `nprt::compare::replay`. Each verdict is printed as soon as its minute is
//! over: `{"run": "cart-17", "minute": 29399040, "verdict": "inconclusive", …}`. It ends with 2 where the
//! input, the history or the policy is malformed, and says the line and the field; with 1 where a file cannot
//! be read, or the verdicts not be written.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use nprt::compare::replay::{History, Replay};
use nprt::compare::{Policy, Preset};
use nprt::{Error, ErrorKind, Result};

/// Judges the recorded series on stdin.
#[derive(Parser)]
struct Arguments {
    /// The policy, as YAML, such as `preset: strict`. Else the preset `default`.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// What stable did before, in the form of the series.
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
}

fn main() -> ExitCode {
    let Err(error) = judge(&Arguments::parse()) else { return ExitCode::SUCCESS };
    let _ = writeln!(io::stderr(), "error: {error}");
    ExitCode::from(if error.is_invalid() || error.is_conflict() { 2 } else { 1 })
}

fn judge(arguments: &Arguments) -> Result<()> {
    let policy = arguments.policy.as_deref().map_or(Ok(Policy::preset(Preset::Default)), read_policy)?;
    let history = arguments.history.as_deref().map_or(Ok(History::default()), read_history)?;
    let mut stdout = io::stdout().lock();
    for judged in Replay::new(policy, io::stdin().lock())?.with_history(history) {
        let line = serde_json::to_string(&judged?).map_err(|error| failed(&error))?;
        match writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            written => written.map_err(|error| failed(&error).with("file", "stdout"))?,
        }
    }
    Ok(())
}

fn read_policy(path: &Path) -> Result<Policy> {
    let in_file = |error: Error| error.with("file", path.display());
    let text = std::fs::read(path).map_err(|error| in_file(failed(&error)))?;
    Policy::read(text).map_err(in_file)
}

fn read_history(path: &Path) -> Result<History> {
    let in_file = |error: Error| error.with("file", path.display());
    let file = File::open(path).map_err(|error| in_file(failed(&error)))?;
    History::read(BufReader::new(file)).map_err(in_file)
}

fn failed(error: &dyn std::error::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "judge", error.to_string())
}
