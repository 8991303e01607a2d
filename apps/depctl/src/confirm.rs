//! The question before a change in production.

use std::io::{self, IsTerminal, Write};

use crate::config::Connection;
use crate::failure::{Exit, Failure, Result};

/// Asks whether `what` shall happen to `service`, where that is production and `yes` was not said. Without a
/// terminal nobody can be asked: it refuses.
pub(crate) fn confirm(connection: &Connection, what: &str, service: &str, yes: bool) -> Result<()> {
    if !connection.production || yes {
        return Ok(());
    }
    let (cluster, url) = (&connection.cluster, &connection.url);
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let message =
            format!("{cluster} is production: {what} of {service} there needs --yes, or a terminal");
        return Err(Failure::usage(message));
    }
    let failed = |error: io::Error| Failure::usage(format!("nobody can be asked: {error}"));
    let mut stderr = anstream::stderr();
    write!(stderr, "{what} of {service} on production cluster {cluster} ({url})? [y/N] ").map_err(failed)?;
    stderr.flush().map_err(failed)?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(failed)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failure::new(Exit::Usage, "nothing was changed")),
    }
}
