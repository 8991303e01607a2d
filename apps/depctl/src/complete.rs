//! Completion of services and tags, asked of the server while a person types: quick, or silent.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches};
use clap_complete::engine::CompletionCandidate;
use serde::de::DeserializeOwned;

use crate::cli::{Cli, Command};
use crate::client::Client;
use crate::config::Settings;
use crate::output;
use crate::wire::{Listing, Tags};

/// How long a person waits for a completion, at the most.
const PATIENCE: Duration = Duration::from_secs(1);

/// The services that begin like this.
pub(crate) fn services(begun: &OsStr) -> Vec<CompletionCandidate> {
    let Some(listing) = typed().and_then(|cli| ask::<Listing>(&cli, &[])) else { return Vec::new() };
    candidates(begun, listing.services.into_iter().map(|service| service.name))
}

/// The tags that all images of the service share, and that begin like this.
pub(crate) fn tags(begun: &OsStr) -> Vec<CompletionCandidate> {
    let asked = typed().and_then(|cli| {
        let service = service(&cli.command)?;
        ask::<Tags>(&cli, &[&service, "tags"])
    });
    asked.map_or_else(Vec::new, |tags| candidates(begun, tags.shared))
}

/// Names that a shell can take as they are: those of a server that is up to no good are left out.
fn candidates(begun: &OsStr, names: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    let begun = begun.to_string_lossy();
    let plain = |name: &String| name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
    let fitting = names.into_iter().filter(plain).filter(|name| name.starts_with(&*begun));
    fitting
        .enumerate()
        .map(|(order, name)| CompletionCandidate::new(name).display_order(Some(order)))
        .collect()
}

/// What stands on the command line so far: after `--`, where the shell's script puts it.
fn typed() -> Option<Cli> {
    let words: Vec<OsString> = std::env::args_os().skip_while(|word| word != "--").skip(1).collect();
    // The word that is being completed may be half an option, or an option without its value yet.
    (0..3).find_map(|left_out| {
        let kept = words.len().checked_sub(left_out)?;
        let matches = Cli::command().ignore_errors(true).try_get_matches_from(&words[..kept]).ok()?;
        Cli::from_arg_matches(&matches).ok()
    })
}

fn service(command: &Command) -> Option<String> {
    let named = match command {
        Command::Deploy(change) => &change.service,
        Command::Canary(canary) => &canary.change.service,
        Command::Promote(promote) => &promote.service,
        _ => return None,
    };
    let named = named.service.clone().filter(|name| !name.is_empty());
    named.or_else(|| crate::commands::default_service().ok())
}

fn ask<T: DeserializeOwned>(cli: &Cli, path: &[&str]) -> Option<T> {
    let connection = Settings::load(&cli.global).ok()?.connection().ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let value = runtime.block_on(async {
        let client = Client::new(&connection).ok()?;
        tokio::time::timeout(PATIENCE, client.get(path)).await.ok()?.ok()
    });
    // A look-up of a name that hangs must not keep the shell waiting.
    runtime.shutdown_background();
    output::read(value?).ok()
}
