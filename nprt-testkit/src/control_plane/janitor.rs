//! Ends processes when ours ends, however it ends: a value in a `static` is never dropped, and a killed
//! process drops nothing.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::Missing;

/// Reads process numbers until its input ends, which is when we do; kills them then.
const SCRIPT: &str = r#"trap '' INT TERM HUP; pids=
while read -r pid; do pids="$pids $pid"; done
[ -z "$pids" ] || kill -9 $pids 2>/dev/null; [ -z "$1" ] || rm -rf "$1""#;

/// A shell that outlives us.
#[derive(Debug)]
pub(super) struct Janitor {
    shell: Child,
    input: ChildStdin,
}

impl Janitor {
    /// Starts one that removes `folder` too, where given.
    pub(super) fn start(folder: Option<&Path>) -> Result<Self, Missing> {
        let missing = |why: &dyn std::fmt::Display| Missing::new(super::NAME, format_args!("sh: {why}"));
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "nprt-janitor"])
            .arg(folder.unwrap_or(Path::new("")))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| missing(&error))?;
        let input = shell.stdin.take().ok_or_else(|| missing(&"no input"))?;
        Ok(Self { shell, input })
    }

    /// Has it end `pid` with us.
    pub(super) fn watch(&mut self, pid: u32) -> Result<(), Missing> {
        writeln!(self.input, "{pid}").map_err(|error| Missing::new(super::NAME, error))
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        // Whoever drops it ends the processes itself; their numbers may belong to others by now.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
