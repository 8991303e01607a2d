use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};

use crate::cli::Shell;
use crate::failure::{Exit, Failure, Result};
use crate::output;

/// Prints the script that has the shell ask this program for completions.
pub(super) fn print(shell: Shell) -> Result<Exit> {
    let completer: &dyn EnvCompleter = match shell {
        Shell::Bash => &Bash,
        Shell::Zsh => &Zsh,
        Shell::Fish => &Fish,
    };
    let mut script = Vec::new();
    completer
        .write_registration("COMPLETE", "depctl", "depctl", "depctl", &mut script)
        .map_err(|error| Failure::usage(format!("the script cannot be written: {error}")))?;
    output::text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Success)
}
