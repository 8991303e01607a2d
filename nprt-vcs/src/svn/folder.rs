//! Looks after a folder that `svn` writes to.

use std::io;
use std::path::Path;
use std::time::Duration;

use nprt_core::{Error, ErrorKind, Result};

/// How often a folder is looked at. What `svn` writes meanwhile is what a lying server can have beyond the limits.
const LOOK: Duration = Duration::from_millis(100);

/// Ends with the first error of `check`, which gets the number of files and directories in `folder` and the bytes
/// of the files. While there is none it never ends.
pub(super) async fn outgrown(
    folder: &Path,
    check: impl Fn(u64, u64) -> Result<()> + Clone + Send + 'static,
) -> Error {
    loop {
        tokio::time::sleep(LOOK).await;
        let (folder, check) = (folder.to_owned(), check.clone());
        match tokio::task::spawn_blocking(move || look(&folder, check)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error,
            Err(error) => {
                let why = "the folder that svn writes to cannot be looked at";
                return Error::new(ErrorKind::Unexpected, "svn.run", why).with_source(error);
            }
        }
    }
}

fn look(folder: &Path, check: impl Fn(u64, u64) -> Result<()>) -> Result<()> {
    let (mut paths, mut bytes) = (0, 0_u64);
    let mut open = vec![folder.to_owned()];
    while let Some(directory) = open.pop() {
        // It may be gone or have another name by now.
        let Ok(entries) = std::fs::read_dir(&directory) else { continue };
        for entry in entries.filter_map(io::Result::ok) {
            let Ok(kind) = entry.metadata() else { continue };
            paths += 1;
            if kind.is_dir() {
                open.push(entry.path());
            } else {
                bytes = bytes.saturating_add(kind.len());
            }
        }
        check(paths, bytes)?;
    }
    Ok(())
}
