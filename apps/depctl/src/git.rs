//! What the directory says: the service by its name, the commit by `HEAD`.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::{Failure, Result};

/// The name of the git checkout's top directory, or of the directory itself where it is no checkout.
pub(crate) fn service() -> Result<String> {
    let here = || std::env::current_dir().ok().map(|path| path.to_string_lossy().into_owned());
    let top = git(&["rev-parse", "--show-toplevel"]).ok().or_else(here);
    let name = top.as_deref().and_then(|top| Path::new(top).file_name()).map(|name| name.to_string_lossy());
    name.map(std::borrow::Cow::into_owned)
        .ok_or_else(|| Failure::usage("which service? This directory has no name: say it as an argument"))
}

/// The commit of `HEAD`, if a branch of a remote has it: a server that does not find it says less.
pub(crate) fn pushed_head() -> Result<String> {
    let otherwise = "push it, or name a version by --commit or --tag";
    let commit = git(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
        .map_err(|why| Failure::usage(format!("no commit to take for HEAD: {why}")).with(otherwise))?;
    let branches = git(&["branch", "--remotes", "--contains", &commit]).map_err(Failure::usage)?;
    if branches.is_empty() {
        let short = commit.get(..12).unwrap_or(&commit);
        let message = format!("HEAD ({short}) was not pushed: no branch of a remote has it");
        return Err(Failure::usage(message).with(otherwise));
    }
    Ok(commit)
}

/// Whether tracked files differ from `HEAD`; what differs is in no version.
pub(crate) fn has_changes() -> bool {
    git(&["status", "--porcelain", "--untracked-files=no"]).is_ok_and(|changes| !changes.is_empty())
}

fn git(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("git").args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("git cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = crate::clean::line(said.lines().next().unwrap_or_default());
    Err(if said.is_empty() { "git finds none".to_owned() } else { said })
}
