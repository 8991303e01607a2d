//! The tree of one commit, as it is walked for manifests. No directory is looked up twice.

use std::collections::BTreeMap;

use bytes::Bytes;
use gix::bstr::ByteSlice;
use gix::objs::Kind;
use gix::objs::tree::EntryKind;
use gix::{ObjectId, Repository};
use nprt_core::model::{Budget, Limit};
use nprt_core::ports::{LONGEST_LINK, SourceTree, TreeEntry};
use nprt_core::{Error, Result};

use super::cancel::Cancel;
use super::objects::{check_name, unreadable};

/// The entries of one directory, by name.
type Entries = BTreeMap<String, (EntryKind, ObjectId)>;

/// What reading one entry of a directory costs of the budget: about as long as ten comparisons of labels.
const STEPS: u64 = 10;
/// How many directory entries to keep besides those of the last directory, at about 100 bytes each.
const MOST_KEPT: usize = 100_000;

pub(super) struct Reader<'a> {
    repository: &'a Repository,
    root: ObjectId,
    budget: &'a Budget,
    cancel: &'a Cancel,
    /// The directories that were read, by path, as long as they have few entries together.
    listed: BTreeMap<String, Entries>,
    kept: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        repository: &'a Repository,
        root: ObjectId,
        budget: &'a Budget,
        cancel: &'a Cancel,
    ) -> Self {
        Self { repository, root, budget, cancel, listed: BTreeMap::new(), kept: 0 }
    }

    /// What is at `path`, by way of the directories above it.
    fn find(&mut self, path: &str) -> Result<Option<(EntryKind, ObjectId)>> {
        if path.is_empty() {
            return Ok(Some((EntryKind::Tree, self.root)));
        }
        let mut found = (EntryKind::Tree, self.root);
        // From the deepest directory that is known.
        let ends = path.match_indices('/').map(|(end, _)| end);
        let known = ends.clone().rfind(|&end| self.listed.contains_key(&path[..end]));
        for end in ends.chain([path.len()]).filter(|&end| known.is_none_or(|known| end > known)) {
            let (above, name) = path[..end].rsplit_once('/').unwrap_or(("", &path[..end]));
            if !self.listed.contains_key(above) {
                if found.0 != EntryKind::Tree {
                    return Ok(None);
                }
                self.list(above, found.1)?;
            }
            match self.listed.get(above).and_then(|entries| entries.get(name)) {
                Some(&entry) => found = entry,
                None => return Ok(None),
            }
        }
        Ok(Some(found))
    }

    /// Reads the directory at `path`.
    fn list(&mut self, path: &str, tree: ObjectId) -> Result<()> {
        self.cancel.check()?;
        self.check_size(tree, path)?;
        let failed = |error| unreadable("vcs.read", error).with("path", path);
        let tree = self.repository.find_tree(tree).map_err(failed)?;
        check_name(tree.id, Kind::Tree, &tree.data)?;
        let mut entries = Entries::new();
        for entry in tree.iter() {
            let entry = entry.map_err(failed)?;
            let name = entry.filename().to_str_lossy().into_owned();
            if matches!(&*name, "" | "." | "..") || name.contains('/') {
                let error =
                    Error::invalid("vcs.read", "the directory has an entry whose name no file can have");
                return Err(error.with("path", path).with("name", format_args!("{name:?}")));
            }
            entries.insert(name, (entry.mode().kind(), entry.object_id()));
            self.budget.spend(Limit::Steps, STEPS).map_err(|error| error.with("path", path))?;
        }
        let count = entries.len() as u64;
        self.budget.allow(Limit::Paths, count).map_err(|error| error.with("path", path))?;
        // Links may lead to one large directory by many paths.
        if self.kept + entries.len() > MOST_KEPT {
            self.listed.clear();
            self.kept = 0;
        }
        self.kept += entries.len();
        self.listed.insert(path.to_owned(), entries);
        Ok(())
    }

    /// Checks that an object is not too large to be loaded.
    fn check_size(&self, object: ObjectId, path: &str) -> Result<u64> {
        let header = self.repository.find_header(object);
        let size = header.map_err(|error| unreadable("vcs.read", error).with("path", path))?.size();
        self.budget.allow(Limit::Bytes, size).map_err(|error| error.with("path", path))?;
        Ok(size)
    }
}

impl SourceTree for Reader<'_> {
    fn entry(&mut self, path: &str) -> Result<TreeEntry> {
        self.cancel.check()?;
        let Some((kind, id)) = self.find(path)? else { return Ok(TreeEntry::Missing) };
        match kind {
            EntryKind::Commit => return Ok(TreeEntry::Submodule),
            EntryKind::Tree => {
                if !self.listed.contains_key(path) {
                    self.list(path, id)?;
                }
                let names = self.listed.get(path).into_iter().flat_map(|entries| entries.keys().cloned());
                return Ok(TreeEntry::Directory(names.collect()));
            }
            EntryKind::Blob | EntryKind::BlobExecutable | EntryKind::Link => {}
        }
        let size = self.check_size(id, path)?;
        let is_link = kind == EntryKind::Link;
        let invalid = |why: &str| Error::invalid("vcs.read", why).with("path", path);
        if is_link && size > LONGEST_LINK as u64 {
            return Err(invalid("the target of a symbolic link is longer than 4,096 bytes"));
        }
        let blob = self.repository.find_blob(id);
        let content = blob.map_err(|error| unreadable("vcs.read", error).with("path", path))?.take_data();
        check_name(id, Kind::Blob, &content)?;
        if !is_link {
            return Ok(TreeEntry::File(Bytes::from(content)));
        }
        let target = String::from_utf8(content);
        target.map(TreeEntry::Link).map_err(|_| invalid("the link's target is not UTF-8"))
    }

    fn link(&mut self, path: &str) -> Result<Option<String>> {
        if self.find(path)?.is_none_or(|(kind, _)| kind != EntryKind::Link) {
            return Ok(None);
        }
        Ok(match self.entry(path)? {
            TreeEntry::Link(target) => Some(target),
            _ => None,
        })
    }
}
