//! How many lines a commit changed: counted where that is cheap, since nothing is decided by it.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use gix::diff::Rewrites;
use gix::object::tree::diff::Change;
use gix::{Commit, ObjectId, Repository, Tree};
use nprt_core::model::ChangedLines;

use super::cancel::Cancel;

/// So many files and directories may differ. A few kilobytes of trees can hold more than anybody can count.
const MOST_CHANGES: usize = 5_000;
/// So many bytes may be in the files that differ.
const MOST_BYTES: u64 = 8 * 1024 * 1024;
/// So long it may take.
const LONGEST: Duration = Duration::from_secs(5);
/// Of so many files that went and came each is compared with each, to find those that were moved.
const MOST_MOVED: usize = 50;

/// The lines that `commit` changed; `None` where that takes too much, and where nothing can be said, such as without
/// the parent, which a shallow copy lacks. A first commit changed all that it has.
pub(super) fn lines(repository: &Repository, commit: &Commit<'_>, cancel: &Cancel) -> Option<ChangedLines> {
    let before = match commit.parent_ids().next() {
        None => repository.empty_tree(),
        Some(parent) => repository.find_commit(parent).ok()?.tree().ok()?,
    };
    let counting = Counting { before, after: commit.tree().ok()?, began: Instant::now(), cancel };
    // What cannot be read is found, and healed, by who reads the manifests.
    match counting.is_cheap() {
        Ok(true) => counting.count().ok().flatten(),
        _ => None,
    }
}

struct Counting<'a> {
    before: Tree<'a>,
    after: Tree<'a>,
    began: Instant,
    cancel: &'a Cancel,
}

impl Counting<'_> {
    /// Looks at the names and sizes of all that differs. No file is read.
    fn is_cheap(&self) -> gix::Result<bool> {
        let repository = self.after.repo;
        let size = |id: ObjectId| Ok::<_, gix::Error>(repository.find_header(id)?.size());
        let (mut changes, mut bytes, mut is_cheap) = (0, 0, true);
        let mut platform = self.before.changes()?;
        platform.options(|options| _ = options.no_locations().track_rewrites(None));
        platform.for_each_to_obtain_tree(&self.after, |change| {
            changes += 1;
            bytes += match change {
                _ if !change.entry_mode().is_blob_or_symlink() => 0,
                Change::Modification { previous_id, id, .. } => {
                    size(previous_id.detach())? + size(id.detach())?
                }
                other => size(other.id().detach())?,
            };
            is_cheap = changes <= MOST_CHANGES && bytes <= MOST_BYTES && self.may_go_on();
            Ok(if is_cheap { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        Ok(is_cheap)
    }

    /// Compares the files that differ, line by line.
    fn count(&self) -> gix::Result<Option<ChangedLines>> {
        let mut cache = self.after.repo.diff_resource_cache_for_tree_diff()?;
        let (mut lines, mut is_whole) = (ChangedLines { added: 0, removed: 0 }, true);
        let mut platform = self.before.changes()?;
        let rewrites = Rewrites { limit: MOST_MOVED, ..Rewrites::default() };
        platform.options(|options| _ = options.track_filename().track_rewrites(Some(rewrites)));
        platform.for_each_to_obtain_tree(&self.after, |change| {
            let counts = change.diff(&mut cache).and_then(|mut files| files.line_counts());
            // A directory, and a file that is no text, has none.
            if let Ok(Some(counts)) = counts {
                lines.added += u64::from(counts.insertions);
                lines.removed += u64::from(counts.removals);
            }
            cache.clear_resource_cache_keep_allocation();
            is_whole = self.may_go_on();
            Ok(if is_whole { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        Ok(is_whole.then_some(lines))
    }

    /// Whether somebody still waits, and it took not too long yet.
    fn may_go_on(&self) -> bool {
        self.cancel.check().is_ok() && self.began.elapsed() < LONGEST
    }
}
