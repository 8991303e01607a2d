//! How much of a request's budget the exports of one read take, before and while `svn` writes them to disk.

use std::path::Path;

use nprt_core::model::{Budget, Limit};
use nprt_core::{Error, Result};

use super::backend::MOST_EXPORTS;
use super::folder;
use super::xml::Listed;

/// Paths in the folder that are not the repository's: the top of each export, `svn`'s configuration, and the file
/// that it is writing.
const OURS: u64 = MOST_EXPORTS as u64 + 50;

/// What the exports of one read may take together. What is exported is read afterwards, so no honest export takes
/// more than the read itself may.
pub(super) struct Room(Budget);

impl Room {
    pub(super) fn of(budget: &Budget) -> Self {
        Self(budget.attempt())
    }

    /// Draws what the server says is at or below `at`.
    ///
    /// # Errors
    /// `Invalid`, naming limit and path, where there is too much.
    pub(super) fn draw(&self, at: &str, listed: &Listed) -> Result<()> {
        let name = listed.name.as_str();
        // The list of a file has its name alone.
        let is_itself = !listed.is_directory() && at.rsplit('/').next() == Some(name);
        let (path, named) = match at {
            _ if is_itself => (at.to_owned(), 0),
            "" => (name.to_owned(), name.len()),
            _ => (format!("{at}/{name}"), name.len()),
        };
        let depth = if listed.is_directory() { name.split('/').count() as u64 + 1 } else { 0 };
        let files = u64::from(!listed.is_directory());
        let bytes = listed.size.saturating_add(named as u64);
        self.0
            .allow(Limit::Depth, depth)
            .and_then(|()| self.0.spend(Limit::Paths, 1))
            .and_then(|()| self.0.spend(Limit::Files, files))
            .and_then(|()| self.0.spend(Limit::Bytes, bytes))
            .map_err(|error| error.with("path", shortened(&path)))
    }

    /// Ends when the folder that holds the exports holds more than the budget allows: a server may send more than it
    /// lists.
    pub(super) async fn outgrown(&self, folder: &Path, at: &str) -> Error {
        let budget = self.0.clone();
        let check = move |paths: u64, bytes: u64| {
            budget.allow(Limit::Paths, paths.saturating_sub(OURS))?;
            // The temporary files hold parts of them a second time.
            budget.allow(Limit::Bytes, bytes / 2)
        };
        folder::outgrown(folder, check).await.with("path", shortened(at))
    }
}

/// What a person reads of a path of any length.
fn shortened(path: &str) -> String {
    match path.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &path[..end]),
        None => path.to_owned(),
    }
}
