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
use super::mirror::{self, Mirror};
use super::objects;
use super::repository;
use super::session::{Head, Session};
use super::temporary::{self, Temporary};

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
        self.with_mirror(&mut session, cancel, Mirror::fetch_all)
    }

    /// The mirror in which something was not found, made anew; `missing`, if there is nothing wrong with it.
    pub(super) fn whole_mirror(
        &self,
        mirror: Repository,
        missing: Error,
        cancel: &Cancel,
    ) -> Result<Repository> {
        if missing.is_not_found() && mirror::is_whole(&mirror, cancel) {
            return Err(missing);
        }
        let path = mirror.path().to_owned();
        drop(mirror);
        self.discard(&path, cancel)?;
        self.mirror(cancel)
    }

    /// Removes a copy, or the mirror, of this cache. Who still reads it gets an error, and begins anew.
    pub(super) fn discard(&self, path: &Path, cancel: &Cancel) -> Result<()> {
        let is_ours = path.starts_with(&self.directory) && path != self.directory;
        if !is_ours {
            return Ok(());
        }
        let _lock = self.lock(cancel)?;
        let aside = self.temporary()?;
        match fs::rename(path, aside.path().join("damaged")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(from_io(OPERATION, path, error))
            }
            _ => Ok(()),
        }
    }

    /// A repository on disk that holds the commit and its files, if there is one.
    fn cached(&self, commit: ObjectId) -> Option<Repository> {
        [self.copy_of(commit), self.mirror_path()].iter().find_map(|path| open_with(path, commit))
    }

    /// Gets one commit. Servers of protocol 2 hand out any; others only what a reference names, unless they are told
    /// to: then all of them are fetched.
    fn fetch(&self, session: &mut Session<'_>, head: &Head, cancel: &Cancel) -> Result<Repository> {
        let got = if self.has_many_copies() {
            self.with_mirror(session, cancel, |mirror, session| mirror.fetch(session, head))
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
        session: &mut Session<'_>,
        cancel: &Cancel,
        update: impl Fn(&Mirror, &mut Session<'_>) -> Result<()>,
    ) -> Result<Repository> {
        let _lock = self.lock(cancel)?;
        let path = self.mirror_path();
        let mut again = None;
        if let Ok(mirror) = Mirror::open(&path) {
            match update(&mirror, session) {
                // It may be the mirror, and not the server: neither says so of a file that cannot be read.
                Err(error) if may_be_damage(&error) => again = Some(self.client.connect(cancel)?),
                result => return result.map(|()| mirror.repository()),
            }
        }
        let temporary = self.temporary()?;
        let mirror = Mirror::init(temporary.path())?;
        match &mut again {
            Some(again) => update(&mirror, again)?,
            None => update(&mirror, session)?,
        }
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
        self.make_directory(&self.directory)?;
        if path.is_dir() {
            temporary::remove(&path).map_err(io)?;
        }
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
        let temporary = self.directory.join("temporary");
        for directory in [&self.directory, &self.copies(), &temporary] {
            self.make_directory(directory)?;
        }
        Temporary::new(&temporary)
    }

    /// Makes one of the cache's own directories, also where something else is in its place.
    fn make_directory(&self, directory: &Path) -> Result<()> {
        let io = |error| from_io(OPERATION, directory, error);
        let is_other = fs::symlink_metadata(directory).is_ok_and(|there| !there.is_dir());
        if is_other && !directory.is_dir() {
            fs::remove_file(directory).map_err(io)?;
        }
        fs::create_dir_all(directory).map_err(io)
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

/// Whether an error may come of a mirror that is damaged.
fn may_be_damage(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unexpected | ErrorKind::Unavailable)
}

fn open_with(path: &Path, commit: ObjectId) -> Option<Repository> {
    let repository = repository::open(path).ok()?;
    repository::is_complete(&repository, commit).then_some(repository)
}
