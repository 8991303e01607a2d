//! The command line.

mod arguments;
mod format;

pub(crate) use arguments::{
    Asking, CanaryArgs, ChangeArgs, HoldArgs, How, PromoteArgs, ReplayArgs, ReportArgs, RollbackArgs,
    SeriesFormat, ServiceArg, Shell, VersionArgs, WatchArgs,
};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
pub(crate) use format::Format;

/// Deploys, watches canaries, promotes and rolls back, by a server `deployer`; judges recorded series without one.
///
/// Exit codes: 0 done (for a verdict: pass), 1 refused or failed by the server, 2 wrong usage, configuration or
/// input, 3 regression, 4 inconclusive, 5 no answer from the server.
#[derive(Debug, Parser)]
#[command(name = "depctl", version, propagate_version = false, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The server's address [else DEPCTL_URL, DEPLOYER_URL, or the configuration].
    #[arg(long, global = true, value_name = "URL", conflicts_with = "context")]
    pub(crate) url: Option<String>,
    /// A context of the configuration [else DEPCTL_CONTEXT].
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// A file that holds the token [else DEPCTL_TOKEN, DEPCTL_TOKEN_FILE, DEPLOYER_TOKEN, or the configuration].
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The form of the answer [else DEPCTL_OUTPUT; default: table].
    #[arg(long, short, global = true, value_enum)]
    pub(crate) output: Option<Format>,
    /// No progress and no notes on stderr.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists the services and what runs of each.
    Ls,
    /// Shows a service: its configuration, versions and images.
    Show(ServiceArg),
    /// Lists the tags of a service's images, newest first.
    Tags(ServiceArg),
    /// Deploys a version to stable.
    Deploy(ChangeArgs),
    /// Starts a version as a canary beside stable.
    Canary(CanaryArgs),
    /// Shows what runs of a service and what is being done to it.
    Status(ServiceArg),
    /// Watches a canary until its verdict; the exit code is the verdict's.
    Watch(WatchArgs),
    /// Makes the canary stable.
    Promote(PromoteArgs),
    /// Removes the canary; stable serves on.
    Rollback(RollbackArgs),
    /// Keeps the autopilot's hands off a service.
    Hold(HoldArgs),
    /// Lets the autopilot go on.
    Resume(HoldArgs),
    /// Opens the canary's report in a browser, or saves it.
    Report(ReportArgs),
    /// Judges recorded series without a server; the exit code is the worst verdict's.
    Replay(ReplayArgs),
    /// Shows the versions of depctl and of the server.
    Version,
    /// Prints the script that completes commands, services and tags.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: Shell,
    },
}
