//! How many files the process may have open: each connection is one, and so is each file of a repository that is read.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For all that is no connection of a client.
const OTHERS: u64 = 512;

/// The connections that there can be of those that are wanted. Asks the system for as many files as they need, and says it
/// where there are fewer.
pub(crate) fn connections(wanted: usize) -> usize {
    let needed = (wanted as u64).saturating_add(OTHERS);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // No limit is none to raise.
    let Some(now) = current.filter(|now| *now < needed) else { return wanted };
    let most = maximum.map_or(needed, |maximum| maximum.min(needed)).max(now);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum });
    let files = if raised.is_ok() { most } else { now };
    let room =
        usize::try_from(files.saturating_sub(OTHERS).max(files / 4)).unwrap_or(usize::MAX).clamp(1, wanted);
    if room < wanted {
        tracing::warn!(
            files,
            connections = room,
            wanted,
            "too few open files (ulimit -n) for limits.connections"
        );
    }
    room
}
