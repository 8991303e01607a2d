//! The command line of `deployer`; see the README.

mod clean;
mod cli;
mod client;
mod commands;
mod complete;
mod config;
mod confirm;
mod diff;
mod failure;
mod figures;
mod git;
mod output;
mod problem;
mod progress;
mod replay;
mod runs;
mod sse;
mod style;
mod table;
mod wire;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

fn main() -> ExitCode {
    // Answers the shell and ends, where it asks for completions.
    clap_complete::CompleteEnv::with_factory(cli::Cli::command).complete();
    commands::run(cli::Cli::parse()).into()
}
