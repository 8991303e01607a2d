//! Copies of a remote repository on disk; see the module's documentation for their two forms.

use std::fs::{self, File, TryLockError};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gix::{ObjectId, Repository};
use nprt_core::model::Reference;
use nprt_core::{Error, ErrorKind, Result, Retry};
use sha2::{Digest, Sha256};

use super::cancel::Cancel;
use super::client::{Client, OPERATION};
use super::error::from_io;
use super::mirror::Mirror;
use super::objects;
use super::repository;
use super::session::{Head, Session};
use super::temporary::Temporary;

/// The commit and its parents, whose files its changed lines are counted against.
const DEPTH: NonZeroU32 = NonZeroU32::new(2).unwrap();
/// With so many copies, the next new commit comes by way of the mirror.
const COPIES: usize = 8;

/// The copies of one remote repository.
#[derive(Debug)]
pub(super) struct Cache {
    directory: PathBuf,
    client: Client,
}

impl Cache {
    pub(super) fn new(root: &Path, client: Client) -> Self {
        let name: String = Sha256::digest(client.url()).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { directory: root.join(name), client }
    }

    /// What a branch or tag of the server is now.
    pub(super) fn follow(&self, reference: &Reference, cancel: &Cancel) -> Result<(Repository, ObjectId)> {
        let mut session = self.client.connect(cancel)?;
        let heads = session.heads()?;
        let head = objects::find(&heads, reference)?;
        if let Some(repository) = self.cached(head.commit) {
            return Ok((repository, head.commit));
        }
        let repository = self.fetch(&mut session, head, cancel)?;
        if repository.find_commit(head.commit).is_err() {
            return Err(Error::new(ErrorKind::Conflict, OPERATION, "the reference was moved meanwhile")
                .with("reference", &head.name)
                .with_retry(Retry::Temporary));
        }
        Ok((repository, head.commit))
    }

    /// A repository that holds `commit`, if the cache or the server has it.
    pub(super) fn commit(&self, commit: ObjectId, cancel: &Cancel) -> Result<Repository> {
        if let Some(repository) = self.cached(commit) {
            return Ok(repository);
        }
        let mut session = self.client.connect(cancel)?;
        let head = Head { name: commit.to_string(), object: commit, commit };
        self.fetch(&mut session, &head, cancel)
    }

    /// All branches and tags with their history, as they are now on the server.
    pub(super) fn mirror(&self, cancel: &Cancel) -> Result<Repository> {
        let mut session = self.client.connect(cancel)?;
        self.with_mirror(cancel, |mirror| mirror.fetch_all(&mut session))
    }

    /// A repository on disk that holds the commit and its files, if there is one.
    fn cached(&self, commit: ObjectId) -> Option<Repository> {
        [self.copy_of(commit), self.mirror_path()].iter().find_map(|path| open_with(path, commit))
    }

    /// Gets one commit. Servers of protocol 2 hand out any; others only what a reference names, unless they are told
    /// to: then all of them are fetched.
    fn fetch(&self, session: &mut Session<'_>, head: &Head, cancel: &Cancel) -> Result<Repository> {
        let got = if self.has_many_copies() {
            self.with_mirror(cancel, |mirror| mirror.fetch(session, head))
        } else {
            self.copy(session, head)
        };
        match got {
            Err(error) if !matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::Cancelled) => {
                self.mirror(cancel)
            }
            result => result,
        }
    }

    /// Makes a copy of one commit.
    fn copy(&self, session: &mut Session<'_>, head: &Head) -> Result<Repository> {
        let temporary = self.temporary()?;
        let copy = repository::init(temporary.path())?;
        session.fetch(&copy, &[head.object], &[], Some(DEPTH))?;
        if !repository::is_complete(&copy, head.commit) {
            return Err(objects::unknown(head.commit));
        }
        drop(copy);
        let path = self.copy_of(head.commit);
        self.publish(&temporary, &path, |path| open_with(path, head.commit).is_some())?;
        repository::open(&path)
    }

    /// The mirror after `update`, as its only writer. One that is damaged is made anew.
    fn with_mirror(
        &self,
        cancel: &Cancel,
        mut update: impl FnMut(&Mirror) -> Result<()>,
    ) -> Result<Repository> {
        let _lock = self.lock(cancel)?;
        let path = self.mirror_path();
        if let Ok(mirror) = Mirror::open(&path) {
            match update(&mirror) {
                // It was the mirror, and not the server.
                Err(error) if error.kind() == ErrorKind::Unexpected => {}
                result => return result.map(|()| mirror.repository()),
            }
        }
        let temporary = self.temporary()?;
        let mirror = Mirror::init(temporary.path())?;
        update(&mirror)?;
        drop(mirror);
        self.publish(&temporary, &path, |_| false)?;
        repository::open(&path)
    }

    fn mirror_path(&self) -> PathBuf {
        self.directory.join("mirror.git")
    }

    fn copies(&self) -> PathBuf {
        self.directory.join("copies")
    }

    fn copy_of(&self, commit: ObjectId) -> PathBuf {
        self.copies().join(format!("{commit}.git"))
    }

    fn has_many_copies(&self) -> bool {
        fs::read_dir(self.copies()).is_ok_and(|entries| entries.count() >= COPIES)
    }

    /// Waits until no other task and no other process writes the mirror.
    #[expect(clippy::disallowed_methods, reason = "this runs on a thread for blocking work")]
    fn lock(&self, cancel: &Cancel) -> Result<File> {
        let path = self.directory.join("lock");
        let io = |error| from_io(OPERATION, &path, error);
        fs::create_dir_all(&self.directory).map_err(io)?;
        let file = File::options().create(true).append(true).open(&path).map_err(io)?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(io(error)),
                Err(TryLockError::WouldBlock) => cancel.check()?,
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn temporary(&self) -> Result<Temporary> {
        let copies = self.copies();
        fs::create_dir_all(&copies).map_err(|error| from_io(OPERATION, &copies, error))?;
        Temporary::new(&self.directory.join("temporary"))
    }

    /// Moves a finished copy to `path`. Where one stands already it is kept if it is `usable`.
    fn publish(&self, copy: &Temporary, path: &Path, usable: impl Fn(&Path) -> bool) -> Result<()> {
        if fs::rename(copy.path(), path).is_ok() || usable(path) {
            return Ok(());
        }
        let io = |error| from_io(OPERATION, path, error);
        let aside = self.temporary()?;
        fs::rename(path, aside.path().join("replaced")).map_err(io)?;
        fs::rename(copy.path(), path).map_err(io)
    }
}

fn open_with(path: &Path, commit: ObjectId) -> Option<Repository> {
    let repository = repository::open(path).ok()?;
    repository::is_complete(&repository, commit).then_some(repository)
}
