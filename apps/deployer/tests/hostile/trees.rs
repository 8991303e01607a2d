//! Git repositories that no git client writes: any tree, object by object.

use std::path::Path;

use gix::ObjectId;
use gix::actor::SignatureRef;
use gix::objs::{Kind, Write};
use gix::refs::transaction::PreviousValue;

pub(crate) const FILE: &str = "100644";
pub(crate) const LINK: &str = "120000";
pub(crate) const TREE: &str = "40000";

/// Its mode, its name, and what it is.
pub(crate) type Entry = (&'static str, String, ObjectId);

pub(crate) struct Repository(gix::Repository);

impl Repository {
    pub(crate) fn make(folder: &Path) -> Self {
        let (options, isolated) = (gix::create::Options::default(), gix::open::Options::isolated());
        let made = gix::ThreadSafeRepository::init_opts(folder, gix::create::Kind::Bare, options, isolated);
        Self(made.unwrap().into())
    }

    pub(crate) fn blob(&self, content: impl AsRef<[u8]>) -> ObjectId {
        self.0.write_blob(content).unwrap().detach()
    }

    /// A tree of these entries, sorted as git sorts them, and otherwise unchecked.
    pub(crate) fn tree(&self, entries: impl IntoIterator<Item = Entry>) -> ObjectId {
        let mut entries: Vec<Entry> = entries.into_iter().collect();
        let key = |(mode, name, _): &Entry| format!("{name}{}", if *mode == TREE { "/" } else { "" });
        entries.sort_by_cached_key(key);
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            bytes.extend_from_slice(id.as_slice());
        }
        self.0.objects.write_buf(Kind::Tree, &bytes).unwrap()
    }

    /// `inner`, in this many nested directories.
    pub(crate) fn nested(&self, levels: usize, inner: ObjectId) -> ObjectId {
        (0..levels).fold(inner, |inner, _| self.tree([(TREE, "d".to_owned(), inner)]))
    }

    /// Directories of ten entries each, so many levels deep, in a few objects.
    pub(crate) fn bomb(&self, levels: usize) -> ObjectId {
        let empty = self.blob("");
        let leaves = self.tree((0..10).map(|n| (FILE, format!("f{n}"), empty)));
        (0..levels).fold(leaves, |below, _| self.tree((0..10).map(|n| (TREE, format!("d{n}"), below))))
    }

    /// Commits the tree on a branch of its own.
    pub(crate) fn commit(
        &self,
        branch: &str,
        parent: Option<ObjectId>,
        message: &str,
        tree: ObjectId,
    ) -> ObjectId {
        let author =
            SignatureRef { name: "Eve".into(), email: "eve@example.com".into(), time: "1790000000 +0000" };
        let branch = format!("refs/heads/{branch}");
        if let Some(parent) = parent {
            self.0.reference(branch.as_str(), parent, PreviousValue::Any, "").unwrap();
        }
        self.0.commit_as(author, author, branch, message, tree, parent).unwrap().detach()
    }
}
