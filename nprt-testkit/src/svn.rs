//! A subversion repository on disk with the usual directories, which its servers serve.

use std::path::Path;
use std::process::Command;

use crate::Missing;

/// Makes the repository at `path`, with `trunk`, `branches` and `tags`.
pub(crate) fn create(path: &Path) -> Result<(), Missing> {
    run(Command::new("svnadmin").arg("create").arg(path))?;
    let url = format!("file://{}", path.display());
    let mut command = Command::new("svn");
    command.args(["mkdir", "--quiet", "--non-interactive", "--message", "the usual directories"]);
    run(command.args(["trunk", "branches", "tags"].map(|directory| format!("{url}/{directory}"))))
}

fn run(command: &mut Command) -> Result<(), Missing> {
    let name = "subversion";
    let output = command.output().map_err(|error| Missing::new(name, error))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Missing::new(name, String::from_utf8_lossy(&output.stderr)))
}
