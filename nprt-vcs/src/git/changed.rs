//! How many lines a commit changed: counted where that is cheap, since nothing is decided by it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use gix::bstr::BStr;
use gix::diff::blob::{Algorithm, Diff, InternedInput};
use gix::diff::tree::visit::{Action, Change};
use gix::diff::tree::{State, Visit};
use gix::objs::TreeRefIter;
use gix::{Commit, ObjectId, Repository, Tree};
use nprt_core::model::ChangedLines;

use super::cancel::Cancel;

/// The most files and directories that may differ. A few kilobytes of trees can hold more than anybody can count.
const MOST_CHANGES: usize = 5_000;
/// The most bytes in files that differ.
const MOST_BYTES: u64 = 8 * 1024 * 1024;
/// The most lines in two files that are compared.
const MOST_LINES: usize = 200_000;
/// How long counting may take.
const LONGEST: Duration = Duration::from_secs(5);
/// A file with a zero byte among its first bytes is binary, as in git.
const LOOKED_AT: usize = 8_000;

/// The lines that `commit` changed; `None` where that takes too much, and where nothing can be said, such as without
/// the parent, which a shallow copy lacks. A first commit changed all that it has. A file that only moved has no
/// changed lines.
pub(super) fn lines(repository: &Repository, commit: &Commit<'_>, cancel: &Cancel) -> Option<ChangedLines> {
    let before = match commit.parent_ids().next() {
        None => repository.empty_tree(),
        Some(parent) => repository.find_commit(parent).ok()?.tree().ok()?,
    };
    // What cannot be read is found, and healed, by who reads the manifests.
    Changes::between(&before, &commit.tree().ok()?, cancel)?.count()
}

/// The files that differ.
struct Changes<'a> {
    repository: &'a Repository,
    cancel: &'a Cancel,
    began: Instant,
    /// How many entries of directories differ, and how many bytes the files among them have.
    seen: usize,
    bytes: u64,
    modified: Vec<(ObjectId, ObjectId)>,
    /// How often each content went, or came where that is less than 0.
    moved: BTreeMap<ObjectId, i64>,
}

impl<'a> Changes<'a> {
    /// Looks at the names and sizes of all that differs. No file is read.
    fn between(before: &Tree<'_>, after: &'a Tree<'_>, cancel: &'a Cancel) -> Option<Self> {
        let mut changes = Self {
            repository: after.repo,
            cancel,
            began: Instant::now(),
            seen: 0,
            bytes: 0,
            modified: Vec::new(),
            moved: BTreeMap::new(),
        };
        let [old, new] = [before, after].map(|tree| TreeRefIter::from_bytes(&tree.data, tree.id.kind()));
        let objects = &after.repo.objects;
        gix::diff::tree(old, new, State::default(), objects, &mut changes).ok()?;
        Some(changes)
    }

    /// Compares the files, line by line.
    fn count(self) -> Option<ChangedLines> {
        let mut lines = ChangedLines { added: 0, removed: 0 };
        let one_sided = self.moved.iter().map(|(&id, &times)| {
            let (old, new) = if times > 0 { (Some(id), None) } else { (None, Some(id)) };
            (old, new, times.unsigned_abs())
        });
        let modified = self.modified.iter().map(|&(old, new)| (Some(old), Some(new), 1));
        for (old, new, times) in modified.chain(one_sided).filter(|(.., times)| *times > 0) {
            if !self.may_go_on() {
                return None;
            }
            let (old, new) = (self.content(old)?, self.content(new)?);
            if [&old, &new].iter().any(|content| content.iter().take(LOOKED_AT).any(|&byte| byte == 0)) {
                continue;
            }
            let input = InternedInput::new(&old[..], &new[..]);
            // One comparison cannot be interrupted.
            if input.before.len() + input.after.len() > MOST_LINES {
                return None;
            }
            let diff = Diff::compute(Algorithm::Histogram, &input);
            lines.added += u64::from(diff.count_additions()) * times;
            lines.removed += u64::from(diff.count_removals()) * times;
        }
        Some(lines)
    }

    fn content(&self, file: Option<ObjectId>) -> Option<Vec<u8>> {
        file.map_or(Some(Vec::new()), |id| Some(self.repository.find_blob(id).ok()?.take_data()))
    }

    fn add(&mut self, file: ObjectId) -> Option<()> {
        self.bytes += self.repository.find_header(file).ok()?.size();
        Some(())
    }

    /// Whether somebody still waits, and it took not too much yet.
    fn may_go_on(&self) -> bool {
        let is_little = self.seen <= MOST_CHANGES && self.bytes <= MOST_BYTES;
        is_little && self.cancel.check().is_ok() && self.began.elapsed() < LONGEST
    }

    fn note(&mut self, change: &Change) -> Option<()> {
        self.seen += 1;
        let (id, mode) = (change.oid().to_owned(), change.entry_mode());
        if !mode.is_blob_or_symlink() {
            return self.may_go_on().then_some(());
        }
        self.add(id)?;
        match change {
            Change::Addition { .. } => *self.moved.entry(id).or_default() -= 1,
            Change::Deletion { .. } => *self.moved.entry(id).or_default() += 1,
            Change::Modification { previous_oid, .. } => {
                self.add(*previous_oid)?;
                self.modified.push((*previous_oid, id));
            }
        }
        self.may_go_on().then_some(())
    }
}

impl Visit for Changes<'_> {
    fn visit(&mut self, change: Change) -> Action {
        self.note(&change).map_or(ControlFlow::Break(()), ControlFlow::Continue)
    }

    // Nobody asks for names.
    fn pop_front_tracked_path_and_set_current(&mut self) {}
    fn push_back_tracked_path_component(&mut self, _: &BStr) {}
    fn push_path_component(&mut self, _: &BStr) {}
    fn pop_path_component(&mut self) {}
}
