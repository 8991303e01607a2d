use std::path::Path;

use gix::actor::SignatureRef;
use gix::objs::tree::EntryKind;
use gix::refs::transaction::PreviousValue;
use gix::{ObjectId, ThreadSafeRepository};
use nprt_core::model::Revision;

use crate::Result;

/// A git repository to write to, in process: without the program `git`, and without files in a folder.
#[derive(Debug)]
pub struct Repository(gix::Repository);

impl Repository {
    /// Makes a bare one in `folder`, which is empty or not there.
    ///
    /// # Errors
    /// When files are in `folder`, or it cannot be written.
    pub fn make(folder: &Path) -> Result<Self> {
        let (options, isolated) = (gix::create::Options::default(), gix::open::Options::isolated());
        let made = ThreadSafeRepository::init_opts(folder, gix::create::Kind::Bare, options, isolated)?;
        Ok(Self(made.into()))
    }

    /// The one in `folder`.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open(folder: &Path) -> Result<Self> {
        Ok(Self(gix::open_opts(folder, gix::open::Options::isolated())?))
    }

    /// Commits on `branch`, which begins here if there is none of that name: what `parent` has, and `files`, each a
    /// path and the content of a file.
    ///
    /// # Errors
    /// When the parent is no commit of this repository and no longer the branch's last, a path is none, or it cannot
    /// be written.
    pub fn commit(
        &self,
        branch: &str,
        parent: Option<&Revision>,
        message: &str,
        files: &[(&str, &[u8])],
    ) -> Result<Revision> {
        let git = &self.0;
        let parent = parent.map(|parent| ObjectId::from_hex(parent.to_string().as_bytes())).transpose()?;
        let before = match parent {
            Some(parent) => git.find_commit(parent)?.tree()?,
            None => git.empty_tree(),
        };
        let mut tree = before.edit()?;
        for (path, content) in files {
            tree.upsert(*path, EntryKind::Blob, git.write_blob(content)?)?;
        }
        let tree = tree.write()?;
        // One author and time, so that the commits have the same names in every run.
        let author =
            SignatureRef { name: "Ada".into(), email: "ada@example.com".into(), time: "1790000000 +0000" };
        let branch = format!("refs/heads/{branch}");
        if let Some(parent) = parent {
            // The branch may be a new one.
            git.reference(branch.as_str(), parent, PreviousValue::ExistingMustMatch(parent.into()), "")?;
        }
        let id = git.commit_as(author, author, branch, message, tree, parent)?;
        Ok(Revision::new(&id.to_string())?)
    }
}
