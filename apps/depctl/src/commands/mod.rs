//! What each command does.

mod change;
mod completions;
mod read;
mod replay;
mod report;
mod stream;
mod summary;
mod version;
mod watch;

use crate::cli::{Cli, Command, ServiceArg};
use crate::client::Client;
use crate::config::{Connection, Settings};
use crate::failure::{Exit, Failure, Result};
use crate::git;
use crate::output::Output;

/// A server, and how to print what it says.
#[derive(Debug)]
struct Context {
    client: Client,
    connection: Connection,
    output: Output,
}

/// Runs the command and tells what went wrong.
pub(crate) fn run(cli: Cli) -> Exit {
    let quiet = cli.global.quiet;
    let format = cli.global.output.unwrap_or_default();
    let mut output = Output { format, quiet };
    match start(cli, &mut output) {
        Ok(exit) => exit,
        Err(failure) => {
            output.failure(&failure);
            failure.exit
        }
    }
}

fn start(cli: Cli, output: &mut Output) -> Result<Exit> {
    let Cli { global, command } = cli;
    // These two need no configuration, and must work where that is broken.
    match &command {
        Command::Completions { shell } => return completions::print(*shell),
        Command::Replay(arguments) => {
            output.format = Settings::format(&global)?;
            return replay::run(arguments, *output);
        }
        _ => {}
    }
    let settings = Settings::load(&global)?;
    output.format = settings.output;
    settings.warnings.iter().for_each(|warning| output.note(&format!("warning: {warning}")));
    let failed = |error: std::io::Error| Failure::usage(format!("no runtime: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let done = runtime.block_on(dispatch(command, settings, *output));
    // A look-up of a name that hangs must not keep a person waiting.
    runtime.shutdown_background();
    done
}

async fn dispatch(command: Command, settings: Settings, output: Output) -> Result<Exit> {
    if matches!(command, Command::Version) {
        return version::show(settings, output).await;
    }
    let connection = settings.connection()?;
    let context = Context { client: Client::new(&connection)?, connection, output };
    match command {
        Command::Ls => read::ls(&context).await,
        Command::Show(service) => read::show(&context, &name(service)?).await,
        Command::Tags(service) => read::tags(&context, &name(service)?).await,
        Command::Status(service) => read::status(&context, &name(service)?).await,
        Command::Deploy(change) => change::deploy(&context, change).await,
        Command::Canary(canary) => change::canary(&context, canary).await,
        Command::Promote(promote) => change::promote(&context, promote).await,
        Command::Rollback(rollback) => change::rollback(&context, rollback).await,
        Command::Hold(hold) => change::hold(&context, hold, true).await,
        Command::Resume(hold) => change::hold(&context, hold, false).await,
        Command::Watch(arguments) => watch::run(&context, arguments).await,
        Command::Report(arguments) => report::run(&context, arguments).await,
        Command::Version | Command::Replay(_) | Command::Completions { .. } => Ok(Exit::Success),
    }
}

/// The service that is meant.
fn name(argument: ServiceArg) -> Result<String> {
    argument.service.map_or_else(default_service, Ok)
}

/// The service where none is named.
pub(crate) fn default_service() -> Result<String> {
    let variable = std::env::var("DEPCTL_SERVICE").ok().filter(|name| !name.is_empty());
    variable.map_or_else(git::service, Ok)
}
