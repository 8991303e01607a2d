use std::fs::{self, File};
use std::io;
use std::path::Path;

use nprt_core::Result;
use tempfile::TempDir;

use super::client::OPERATION;
use super::error::from_io;

/// A directory to make a copy in, which is locked as long as its maker lives. It is removed when dropped, unless it
/// was moved away.
pub(super) struct Temporary {
    made: TempDir,
    #[expect(dead_code, reason = "held, not used")]
    lock: File,
}

impl Temporary {
    /// A new one in `directory`, where those that killed processes left are removed.
    pub(super) fn new(directory: &Path) -> Result<Self> {
        let io = |error| from_io(OPERATION, directory, error);
        fs::create_dir_all(directory).map_err(io)?;
        for entry in fs::read_dir(directory).map_err(io)?.flatten() {
            let path = entry.path();
            let Ok(file) = File::open(&path) else { continue };
            // Locked while it is removed, so that a maker which comes in between sees that it is gone.
            if file.try_lock().is_ok() {
                // Fails only when another process removes it at the same time.
                let _ = remove(&path);
            }
        }
        loop {
            let made = TempDir::new_in(directory).map_err(io)?;
            // Another process may remove it in the moment before it is locked.
            let Ok(lock) = File::open(made.path()) else { continue };
            lock.lock().map_err(io)?;
            if made.path().exists() {
                return Ok(Self { made, lock });
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.made.path()
    }
}

/// Removes a file, or a directory with all that is in it.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}
