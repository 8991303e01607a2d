use std::path::PathBuf;

use crate::Missing;
use crate::need::switched_on;
use crate::process::cache;

/// The program `name`: of what `./test` installs from PyPI by `nprt-testkit/python.txt`, or of the `PATH`.
///
/// # Errors
/// [`Missing`] where there is none, or servers are switched off.
pub fn tool(name: &'static str) -> Result<PathBuf, Missing> {
    switched_on(name)?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(cache().join("python/bin")).chain(std::env::split_paths(&path));
    let mut programs = folders.map(|folder| folder.join(name));
    programs.find(|program| program.is_file()).ok_or_else(|| {
        Missing::new(name, "it is neither in the PATH nor in the cache, where ./test installs what it needs")
    })
}
